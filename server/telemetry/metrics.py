"""Every Prometheus metric of the server, in one registry of its own.

Units are in the names. Labels take values from fixed sets, so no caller can make new time series.
"""

import platform
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector

from server.types import FinishReason, Method, Origin, ServedModel, Summary

_FIRST_TOKEN_BUCKETS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1, 2.5, 5, 7.5, 10, 20, 40),
)
_TOKEN_BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5),
    *(0.75, 1, 2.5),
)
_REQUEST_BUCKETS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8),
    *(1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 60, 120),
)
_COUNT_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# Without this every counter and histogram has a twin that says when it was made.
disable_created_metrics()  # type: ignore[no-untyped-call] # prometheus_client gave it no types


class Metrics:
    """Counts what happens, on any thread.

    Implements the engine's EngineObserver, the gate's GateObserver, and SharingObserver beside the
    cache.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._make_call_metrics()
        self._make_request_metrics()
        self._make_engine_metrics()
        self._make_decoding_metrics()
        self._make_sharing_metrics()
        self._build = self._gauge(
            "build_info",
            "Always 1; the labels say what runs, and on which processor.",
            *("python", "instruction_set"),
        )
        self._model = self._gauge(
            "model_info",
            "Always 1; the labels say what is served and where it runs.",
            *("model", "version", "precision", "bundle_sha256"),
            *("requested_provider", "actual_provider"),
        )
        self._provider = self._gauge(
            "provider_info",
            "Always 1; where the model was to run, where it does, and whether that is a fall-back.",
            *("requested", "actual", "fallback"),
        )
        self._settings = self._gauge(
            "settings_info",
            "Always 1; the settings that decide how fast it is, as they came to be.",
            *("batching", "max_rows", "threads", "speculation", "single_flight", "result_cache_mb"),
        )
        self._nodes_on_cpu = self._gauge(
            "nodes_on_cpu", "Nodes of a graph on a GPU that the CPU runs.", "graph"
        )

    def _make_call_metrics(self) -> None:
        which = ("service", "rpc")
        self._calls = self._counter("requests", "Calls that ended, by status code.", *which, "code")
        self._open_calls = self._gauge("requests_in_flight", "Calls being answered.", *which)
        self._call_seconds = self._histogram(
            "call_duration_seconds", "From a call's arrival to its end.", _REQUEST_BUCKETS, *which
        )
        self._keys = self._counter(
            "requests_by_key", "Calls let in by a key, by its label and status code.", "key", "code"
        )
        self._items = self._counter(
            "batch_items",
            "Items of batches and requests of streams that ended, by status code.",
            "code",
        )
        self._failures = self._counter(
            "request_failures", "Calls and batch items refused or failed, by reason.", "reason"
        )

    def _make_request_metrics(self) -> None:
        self._first_token = self._histogram(
            "time_to_first_token_seconds",
            "From a streamed request's arrival to its first text.",
            _FIRST_TOKEN_BUCKETS,
        )
        self._inter_token = self._histogram(
            "inter_token_latency_seconds",
            "Between a streamed summary's tokens, averaged over each piece of text.",
            _TOKEN_BUCKETS,
        )
        self._end_to_end = self._histogram(
            "e2e_request_latency_seconds",
            "From a request's arrival to its whole summary.",
            _REQUEST_BUCKETS,
        )
        self._queue = self._histogram(
            "request_queue_time_seconds", "Waiting to be encoded.", _REQUEST_BUCKETS
        )
        self._encode = self._histogram(
            "request_encode_time_seconds", "Being encoded.", _REQUEST_BUCKETS
        )
        self._decode = self._histogram(
            "request_decode_time_seconds", "Being written.", _REQUEST_BUCKETS
        )
        self._source_tokens = self._counter(
            "source_tokens", "Tokens read by the encoder for requests that succeeded."
        )
        self._generation_tokens = self._counter(
            "generation_tokens", "Tokens of summaries delivered."
        )
        self._methods = self._counter(
            "summaries", "Summaries delivered, by how they were decoded.", "method"
        )
        for method in Method:
            self._methods.labels(_label(method))

    def _make_engine_metrics(self) -> None:
        self._waiting = self._gauge("num_requests_waiting", "Requests not yet encoded.")
        self._running = self._gauge("num_requests_running", "Requests being written.")
        self._finished = self._counter(
            "request_success", "Summaries completed, by why they ended.", "finish_reason"
        )
        self._dropped = self._counter(
            "requests_dropped",
            "Requests that left the engine without a summary; the cause too_late is for those "
            "that left the queue because they could no longer be done in time.",
            *("cause", "stage"),
        )
        self._refused = self._counter(
            "requests_refused",
            "Documents not let in: the queue held too many documents, tokens or seconds, or their "
            "deadline was too short for any queue.",
            "cause",
        )
        self._backlog = self._gauge(
            "queue_estimated_seconds", "Estimated seconds of work of the documents inside."
        )
        self._encode_documents = self._histogram(
            "encode_batch_documents", "Documents encoded together.", _COUNT_BUCKETS
        )
        self._encode_tokens = self._counter("encode_tokens", "Tokens encoded, padding left out.")
        self._encode_padded_tokens = self._counter(
            "encode_padded_tokens", "Tokens encoded, padding counted."
        )
        self._encode_seconds = self._histogram(
            "encode_batch_seconds", "Encoding one batch.", _FIRST_TOKEN_BUCKETS
        )
        self._decode_rows = self._histogram(
            "decode_step_rows", "Summaries written together in one decoder step.", _COUNT_BUCKETS
        )
        self._decode_seconds = self._histogram(
            "decode_step_seconds",
            "One decoder step, averaged over those that a device took at a stretch.",
            _TOKEN_BUCKETS,
        )
        self._steps_ahead = self._counter(
            "decode_steps_ahead", "Decoder steps that a device took unasked."
        )

    def _make_decoding_metrics(self) -> None:
        self._row_steps = self._counter(
            "decode_row_steps", "Decoder steps, counted for each summary completed."
        )
        self._row_steps_wasted = self._counter(
            "decode_row_steps_wasted",
            "Those of precis_decode_row_steps_total that a device took unasked and for nothing.",
        )
        self._row_tokens = self._counter(
            "decode_row_tokens",
            "Tokens of summaries completed; over precis_decode_row_steps_total, tokens per step.",
        )
        self._drafted = self._counter("drafted_tokens", "Tokens guessed ahead.")
        self._accepted = self._counter("accepted_tokens", "Tokens guessed ahead and kept.")

    def _make_sharing_metrics(self) -> None:
        self._joins = self._counter(
            "single_flight_joins", "Requests that joined the computation of an identical one."
        )
        self._cache_hits = self._counter("result_cache_hits", "Requests answered from the cache.")
        self._cache_misses = self._counter(
            "result_cache_misses", "Requests looked up in the cache and not found there."
        )
        self._cache_evictions = self._counter(
            "result_cache_evictions", "Results that made room for newer ones."
        )
        self._cache_entries = self._gauge("result_cache_entries", "Results in the cache.")
        self._cache_bytes = self._gauge("result_cache_bytes", "Memory of the cache's entries.")

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"precis_{name}", documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"precis_{name}", documentation, labels, registry=self.registry)

    def _histogram(
        self, name: str, documentation: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"precis_{name}", documentation, labels, buckets=buckets, registry=self.registry
        )

    def serves(self, model: ServedModel) -> None:
        """Says which model is served, where it runs and on what processor."""
        self._build.labels(platform.python_version(), model.instruction_set).set(1)
        manifest = model.manifest
        self._model.labels(
            manifest.name,
            manifest.version,
            manifest.precision,
            model.bundle_sha256,
            model.requested_provider,
            model.actual_provider,
        ).set(1)
        self._provider.labels(
            model.requested_provider,
            model.actual_provider,
            str(bool(model.fallback_reason)).lower(),
        ).set(1)

    def works_by(
        self,
        *,
        batching: str,
        max_rows: int,
        threads: int,
        speculation: bool,
        single_flight: bool,
        result_cache_mb: int,
    ) -> None:
        """Tells the settings that decide how fast it is."""
        self._settings.labels(
            batching,
            str(max_rows),
            str(threads),
            "on" if speculation else "off",
            "on" if single_flight else "off",
            str(result_cache_mb),
        ).set(1)

    def leaves_to_cpu(self, graph: str, *, nodes: int) -> None:
        """How many nodes of a graph on a GPU the CPU runs."""
        self._nodes_on_cpu.labels(graph).set(nodes)

    def call_started(self, service: str, rpc: str) -> None:
        """A call has arrived."""
        self._open_calls.labels(service, rpc).inc()

    def call_ended(
        self, service: str, rpc: str, *, code: str, reason: str, seconds: float, key: str = ""
    ) -> None:
        """A call has been answered; `reason` is "" for a success, `key` the label of its key."""
        self._open_calls.labels(service, rpc).dec()
        self._calls.labels(service, rpc, code).inc()
        self._call_seconds.labels(service, rpc).observe(seconds)
        if key:
            self._keys.labels(key, code).inc()
        if reason:
            self._failures.labels(reason).inc()

    def item_ended(self, *, code: str, reason: str) -> None:
        """An item of a batch has been answered."""
        self._items.labels(code).inc()
        if reason:
            self._failures.labels(reason).inc()

    def first_text(self, seconds: float) -> None:
        """A streamed request got its first text."""
        self._first_token.observe(seconds)

    def more_text(self, *, tokens: int, seconds: float) -> None:
        """A streamed request got more text, this long after the last."""
        self._inter_token.observe(seconds / max(tokens, 1))

    def summarised(self, summary: Summary) -> None:
        """A request got its whole summary."""
        self._end_to_end.observe(summary.timings.total_s)
        self._generation_tokens.inc(summary.usage.summary_tokens)
        self._methods.labels(_label(summary.decoding.method)).inc()
        if summary.origin is Origin.CACHED or not summary.decoding.steps:
            return  # nothing was waited for, and zeros would hide how long the others wait
        self._queue.observe(summary.timings.queue_s)
        self._encode.observe(summary.timings.encode_s)
        self._decode.observe(summary.timings.decode_s)
        if summary.origin is Origin.COMPUTED:
            self._source_tokens.inc(summary.usage.source_tokens)

    def encoded(self, *, documents: int, tokens: int, padded_tokens: int, seconds: float) -> None:
        """A batch of documents went through the encoder."""
        self._encode_documents.observe(documents)
        self._encode_tokens.inc(tokens)
        self._encode_padded_tokens.inc(padded_tokens)
        self._encode_seconds.observe(seconds)

    def decoded(self, *, rows: int, steps: int, seconds: float) -> None:
        """So many decoder steps ran over this many rows, all but the first of them unasked."""
        self._decode_rows.observe(rows)
        self._decode_seconds.observe(seconds / steps)
        self._steps_ahead.inc(steps - 1)

    def depths(self, *, waiting: int, running: int) -> None:
        """How many requests wait and run after a step."""
        self._waiting.set(waiting)
        self._running.set(running)

    def finished(
        self,
        *,
        reason: FinishReason,
        summary_tokens: int,
        steps: int,
        steps_wasted: int,
        drafted: int,
        accepted: int,
    ) -> None:
        """A summary was completed."""
        self._finished.labels(reason.value).inc()
        self._row_tokens.inc(summary_tokens)
        self._row_steps.inc(steps)
        self._row_steps_wasted.inc(steps_wasted)
        self._drafted.inc(drafted)
        self._accepted.inc(accepted)

    def dropped(self, *, cause: str, stage: str) -> None:
        """A request left without a summary."""
        self._dropped.labels(cause, stage).inc()

    def refused(self, *, cause: str) -> None:
        """A document was not let in."""
        self._refused.labels(cause).inc()

    def watches_backlog(self, backlog_s: Callable[[], float]) -> None:
        """Tells whom to ask for the estimated seconds of work inside."""
        self._backlog.set_function(backlog_s)

    def flight_joined(self) -> None:
        """A request joined the computation of an identical one."""
        self._joins.inc()

    def cache_asked(self, *, hit: bool) -> None:
        """The result of a request was looked up."""
        (self._cache_hits if hit else self._cache_misses).inc()

    def cache_evicted(self) -> None:
        """A result made room for a newer one."""
        self._cache_evictions.inc()

    def cache_holds(self, *, entries: int, size_bytes: int) -> None:
        """What the cache holds now."""
        self._cache_entries.set(entries)
        self._cache_bytes.set(size_bytes)


def _label(method: Method) -> str:
    return method.value.replace(" ", "_")

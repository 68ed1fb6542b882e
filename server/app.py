"""Puts the server together, runs it and takes it apart."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass

from bundle import Bundle, load_bundle
from bundle.processor import instruction_set
from server.config import VERSION, ConfigError, ServerConfig
from server.engine.admission import Batching
from server.engine.engine import Engine
from server.engine.lanes import lanes_for
from server.engine.loop import EngineLoop
from server.engine.runner import RunnerError
from server.engine.scheduler import EngineConfig
from server.errors import RequestError
from server.gate import Gate
from server.keys.key_file import KeyFileError
from server.keys.known_keys import KnownKeys
from server.lifecycle import Ending, Lifecycle, then_let_tasks_end
from server.rpc.call import Deadlines
from server.rpc.kserve.servicer import InferenceServicer
from server.rpc.offered import Service
from server.rpc.open_calls import OpenCalls
from server.rpc.server import RpcOptions, RpcServer, ServerError
from server.rpc.summarizer import SummarizerServicer
from server.runtime.device.steps.capture_list import CaptureListError, parse_capture_list
from server.runtime.make_runner import make_runner
from server.runtime.options import RunnerOptions
from server.runtime.providers.policy import ProviderError
from server.runtime.providers.provider import MadeRunner
from server.runtime.session import unexpected_types
from server.service import SummaryService
from server.sharing.result_cache import ResultCache
from server.streams import EngineStreams
from server.telemetry.exposition import MetricsServer
from server.telemetry.logging import fields, log_stray_exception
from server.telemetry.measured import MeasuredSummariser
from server.telemetry.metrics import Metrics
from server.telemetry.progress import CaptureProgress
from server.text.first_document import first_document
from server.types import RequestedOptions, ServedModel, SummaryRequest

_log = logging.getLogger(__name__)

# What a dead engine's callers can still be told, they are told at once.
_DEAD_ENGINE_GRACE_S = 1.0
# gRPC answers CANCELLED, which says the wrong thing, to calls that it has not handed over when it
# is told to stop (grpc/grpc#41785). So those that were sent before their callers could know are
# first taken in, and told UNAVAILABLE. Not for so long that a client that sends again, after some
# 0.1, 0.3 and 0.7 s, is refused each time on the same connection.
_QUIET_S, _LONGEST_WAIT_S = 0.1, 0.5
_ENGINE_STOP_TIMEOUT_S = 10.0
_LAST_TASKS_LIMIT_S = 2.0
_CAPABILITIES: tuple[str, ...] = ("beam_search", "sampling", "prefix", "banned_phrases")
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Core:
    """Everything below the wire, at work."""

    model: ServedModel
    made: MadeRunner
    engine: EngineLoop
    service: SummaryService
    first_request: SummaryRequest

    def close(self) -> None:
        self.service.close()
        self.engine.stop()
        if not self.engine.join(_ENGINE_STOP_TIMEOUT_S):
            _log.warning("the engine is still in a step; the process ends without it")


def run(config: ServerConfig, *, process_age_s: Callable[[], float]) -> int:
    """Serves on an event loop of its own."""
    serving = serve(config, process_age_s=process_age_s)
    return asyncio.run(then_let_tasks_end(serving, limit_s=_LAST_TASKS_LIMIT_S))


async def serve(config: ServerConfig, *, process_age_s: Callable[[], float]) -> int:
    """Runs the server until it is told to end, and returns the process's exit code.

    Raises ConfigError, BundleError or ServerError if it cannot start.
    """
    options = _runner_options(config)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_stray_exception)
    lifecycle, metrics, open_calls = Lifecycle(loop), Metrics(), OpenCalls()
    with ExitStack() as cleanup:
        # Ports come first: one in use is found out before seconds are spent on the model.
        rpc = RpcServer(_rpc_options(config), open_calls=open_calls, metrics=metrics)
        metrics_port = cleanup.enter_context(_metrics_served(config, metrics))
        cleanup.enter_context(lifecycle.listening())
        # In a thread, so that a signal is heard meanwhile.
        bundle, made = await asyncio.to_thread(_load, config, options)
        config = config.settled(rows=made.max_rows, encode_tokens=made.encode_tokens)
        _tell_placement(made, metrics)
        core = _assemble(config, bundle, made, lifecycle, metrics)
        cleanup.callback(core.close)
        metrics.serves(core.model)
        metrics.works_by(
            batching=config.batching,
            max_rows=config.max_rows,
            threads=made.runner.threads,
            speculation=config.speculation,
            single_flight=config.single_flight,
            result_cache_mb=config.result_cache_mb,
        )
        for service in _services(config, core, rpc, open_calls, metrics):
            rpc.add(service)
        await rpc.start()
        try:
            if await lifecycle.unless_ending(_warm_up(core)):
                rpc.health.set_serving(True)
                _log_ready(core, rpc, metrics_port, process_age_s())
            ending = await lifecycle.ending()
            await _drain(config, ending, lifecycle, rpc, open_calls)
        finally:
            await rpc.stop()
    _log.info("stopped", extra=fields(cause=ending.value))
    return 0 if ending is Ending.SIGNAL else 1


def _load(config: ServerConfig, options: RunnerOptions) -> tuple[Bundle, MadeRunner]:
    bundle = load_bundle(config.bundle)
    _check_precision(config, bundle)
    try:
        return bundle, make_runner(bundle, options)
    except (ProviderError, RunnerError) as error:
        raise ServerError(f"{bundle.directory}: {error}") from error


def _runner_options(config: ServerConfig) -> RunnerOptions:
    try:
        capture = parse_capture_list(config.capture)
    except CaptureListError as error:
        said = str(error).removeprefix("capture: ")
        raise ConfigError(f"--capture (PRECIS_CAPTURE): {said}") from error
    return RunnerOptions(
        provider=config.provider,
        strict=config.strict,
        threads=config.threads,
        device=config.device,
        memory_fraction=config.device_memory_fraction,
        max_rows=config.max_rows,
        encode_tokens=config.max_encode_tokens,
        capture=capture,
        on_capture=CaptureProgress(),
    )


def _tell_placement(made: MadeRunner, metrics: Metrics) -> None:
    choice = made.choice
    if choice.fallback:
        _log.warning(
            "runs on the CPU instead of a GPU",
            extra=fields(requested=choice.requested, reason=choice.reason, fix=choice.fix),
        )
    for graph, nodes in made.nodes_elsewhere.items():
        metrics.leaves_to_cpu(graph, nodes=len(nodes))
        if types := unexpected_types(nodes):
            _log.warning(
                "nodes of a graph on the GPU run on the CPU",
                extra=fields(graph=graph, nodes=len(nodes), types=", ".join(types)),
            )


def _check_precision(config: ServerConfig, bundle: Bundle) -> None:
    found = bundle.manifest.precision
    if config.precision not in ("any", found):
        raise ServerError(
            f"{bundle.directory}: the bundle's precision is {found}, "
            f"{config.precision} asked for by --precision (PRECIS_PRECISION)"
        )


def _assemble(
    config: ServerConfig, bundle: Bundle, made: MadeRunner, lifecycle: Lifecycle, metrics: Metrics
) -> _Core:
    streams = EngineStreams()
    engine = EngineLoop(
        Engine(
            EngineConfig(
                lanes=lanes_for(bundle.manifest),
                max_rows=config.max_rows,
                max_encode_tokens=config.max_encode_tokens,
                batching=Batching(config.batching),
                refuses_late=config.deadline_admission,
            ),
            made.runner,
            observer=metrics,
        ),
        deliver=streams.deliver_to(asyncio.get_running_loop()),
        on_fatal=lifecycle.engine_failed,
    )
    streams.connect(engine)
    model = _served_model(config, bundle, made)
    is_batching = Batching(config.batching) is not Batching.OFF
    gate = Gate(
        max_documents=config.max_queue_documents,
        max_tokens=config.max_queue_tokens,
        max_queue_s=config.max_queue_s,
        # As many as one batch call may have in work: it must not be refused for its own documents.
        patient_documents=model.max_batch_in_flight,
        max_rows=config.max_rows if is_batching else 1,
        pace=engine.pace if config.deadline_admission else lambda: None,
        observer=metrics,
    )
    first = _first_request(bundle, model)
    metrics.watches_backlog(lambda: gate.backlog_s)
    cache_bytes = config.result_cache_mb * _MIB
    service = SummaryService(
        model,
        bundle.tokenizer,
        streams,
        gate,
        speculation=config.speculation,
        single_flight=config.single_flight,
        cache=ResultCache(cache_bytes, metrics) if cache_bytes else None,
        observer=metrics,
        warm_up=first,
    )
    engine.start()
    return _Core(model, made, engine, service, first)


def _served_model(config: ServerConfig, bundle: Bundle, made: MadeRunner) -> ServedModel:
    limits = bundle.manifest.limits
    return ServedModel(
        manifest=bundle.manifest,
        bundle_sha256=bundle.manifest_sha256,
        max_source_tokens=limits.max_source_tokens,
        max_summary_tokens=limits.max_summary_tokens,
        max_document_bytes=config.max_document_bytes,
        max_batch_in_flight=_batch_in_flight(config, bundle),
        requested_provider=made.choice.requested,
        actual_provider=made.runner.actual_provider,
        fallback_reason=made.choice.reason if made.choice.fallback else "",
        instruction_set=instruction_set(),
        capabilities=_capabilities(config, bundle),
    )


def _capabilities(config: ServerConfig, bundle: Bundle) -> tuple[str, ...]:
    found = _CAPABILITIES
    if config.speculation:
        found += ("speculation",)
    if bundle.manifest.geometry.copy_head:
        found += ("attribution",)
    return found


def _services(
    config: ServerConfig, core: _Core, rpc: RpcServer, open_calls: OpenCalls, metrics: Metrics
) -> Iterator[Service]:
    summariser = MeasuredSummariser(core.service, metrics)
    if config.kserve:
        yield InferenceServicer(
            summariser,
            version=VERSION,
            is_ready=lambda: rpc.health.is_serving,
            open_calls=open_calls,
            metrics=metrics,
            max_in_flight=core.model.max_batch_in_flight,
            max_message_bytes=config.max_message_bytes,
        )
    yield SummarizerServicer(
        summariser,
        open_calls=open_calls,
        metrics=metrics,
        max_batch_in_flight=core.model.max_batch_in_flight,
        max_message_bytes=config.max_message_bytes,
        has_cache=config.result_cache_mb > 0,
    )


def _batch_in_flight(config: ServerConfig, bundle: Bundle) -> int:
    """One batch call alone must never be refused for its own documents."""
    longest_documents = config.max_queue_tokens // lanes_for(bundle.manifest)[-1]
    return min(config.max_batch_in_flight, config.max_queue_documents, max(1, longest_documents))


def _rpc_options(config: ServerConfig) -> RpcOptions:
    return RpcOptions(
        host=config.host,
        port=config.port,
        max_message_bytes=config.max_message_bytes,
        tls_cert=config.tls_cert,
        tls_key=config.tls_key,
        reflection=config.reflection,
        keys=_known_keys(config),
        deadlines=Deadlines(default_s=config.default_deadline_s, max_s=config.max_deadline_s),
    )


def _known_keys(config: ServerConfig) -> KnownKeys | None:
    try:
        return None if config.api_keys is None else KnownKeys(config.api_keys)
    except KeyFileError as error:
        raise ServerError(str(error)) from error


@contextmanager
def _metrics_served(config: ServerConfig, metrics: Metrics) -> Iterator[int | None]:
    """Serves the metrics, if asked for, and gives their port."""
    if not config.metrics:
        yield None
        return
    try:
        server = MetricsServer(metrics.registry, host=config.host, port=config.metrics_port)
    except OSError as error:
        where = f"{config.host}:{config.metrics_port}"
        raise ServerError(f"cannot serve metrics on {where}: {error.strerror}") from error
    try:
        yield server.port
    finally:
        server.close()


def _first_request(bundle: Bundle, model: ServedModel) -> SummaryRequest:
    """What the server writes before it takes calls, and again to measure its speed."""
    return SummaryRequest(
        document=first_document(bundle.tokenizer, model),
        request_id="warm-up",
        options=RequestedOptions(max_tokens=min(2, model.max_summary_tokens), min_tokens=0),
    )


async def _warm_up(core: _Core) -> None:
    try:
        async with aclosing(core.service.summarise(core.first_request)) as events:
            async for _ in events:
                pass
    except RequestError as error:
        raise ServerError(f"the model cannot write a first summary: {error}") from error


async def _drain(
    config: ServerConfig,
    ending: Ending,
    lifecycle: Lifecycle,
    rpc: RpcServer,
    open_calls: OpenCalls,
) -> None:
    """Lets nobody in, and waits for those inside as long as grace and operator allow."""
    grace_s = config.drain_grace_s if ending is Ending.SIGNAL else _DEAD_ENGINE_GRACE_S
    _log.info("draining", extra=fields(cause=ending.value, calls=len(open_calls), grace_s=grace_s))
    rpc.health.set_serving(False)
    open_calls.close()
    await lifecycle.unless_hurried(open_calls.wait_until_nobody_comes(_QUIET_S, _LONGEST_WAIT_S))
    rpc.turn_away(grace_s)
    await lifecycle.unless_hurried(open_calls.wait_until_none(grace_s))
    if open_calls:
        _log.warning("calls ended before they were answered", extra=fields(calls=len(open_calls)))
        open_calls.evict()


def _log_ready(core: _Core, rpc: RpcServer, metrics_port: int | None, process_age_s: float) -> None:
    _log.info(
        "ready",
        extra=fields(
            address=rpc.address,
            metrics_port=metrics_port,
            model=core.model.manifest.name,
            model_version=core.model.manifest.version,
            precision=core.model.manifest.precision,
            provider=core.model.actual_provider,
            fallback=core.model.fallback_reason or None,
            rows=core.made.max_rows,
            threads=core.made.runner.threads,
            instruction_set=core.model.instruction_set,
            seconds=round(process_age_s, 2),
        ),
    )

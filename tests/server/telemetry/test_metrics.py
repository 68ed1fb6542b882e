"""What the metrics tell, and that Prometheus can read it."""

import errno
import platform
import socket
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from server.telemetry.exposition import MetricsServer
from server.telemetry.metrics import Metrics
from server.types import FinishReason, Origin
from tests.server.rpc.fakes import make_model, make_summary

CALL = {"service": "summarizer.v1.Summarizer", "rpc": "Summarize"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_call_is_in_flight_until_it_ends(metrics: Metrics) -> None:
    metrics.call_started(*CALL.values())
    before = sample(metrics, "precis_requests_in_flight", **CALL)
    metrics.call_ended(*CALL.values(), code="OK", reason="", seconds=0.5)

    assert before == 1
    assert sample(metrics, "precis_requests_in_flight", **CALL) == 0
    assert sample(metrics, "precis_requests_total", **CALL, code="OK") == 1
    assert sample(metrics, "precis_call_duration_seconds_sum", **CALL) == 0.5


def test_failures_are_counted_by_reason_and_successes_are_not_among_them(
    metrics: Metrics,
) -> None:
    metrics.call_ended(*CALL.values(), code="OK", reason="", seconds=0.1)
    metrics.call_ended(*CALL.values(), code="RESOURCE_EXHAUSTED", reason="OVERLOADED", seconds=0.1)
    metrics.item_ended(code="RESOURCE_EXHAUSTED", reason="OVERLOADED")

    assert sample(metrics, "precis_request_failures_total", reason="OVERLOADED") == 2
    assert sample(metrics, "precis_request_failures_total", reason="") is None


def test_a_summary_adds_its_times_and_tokens(metrics: Metrics) -> None:
    metrics.summarised(make_summary())

    for name, seconds in {
        "e2e_request_latency": 1.5,
        "request_queue_time": 0.001,
        "request_encode_time": 0.003,
        "request_decode_time": 0.25,
    }.items():
        assert sample(metrics, f"precis_{name}_seconds_sum") == seconds
    assert sample(metrics, "precis_source_tokens_total") == 102
    assert sample(metrics, "precis_generation_tokens_total") == 104
    assert sample(metrics, "precis_summaries_total", method="greedy") == 1
    assert sample(metrics, "precis_summaries_total", method="beam_search") == 0


@pytest.mark.parametrize(("origin", "waits"), [(Origin.SHARED, 1), (Origin.CACHED, 0)])
def test_a_summary_that_was_not_computed_for_its_request_reads_no_source(
    metrics: Metrics, origin: Origin, waits: int
) -> None:
    metrics.summarised(make_summary(origin=origin))

    assert sample(metrics, "precis_source_tokens_total") == 0
    assert sample(metrics, "precis_generation_tokens_total") == 104
    assert sample(metrics, "precis_e2e_request_latency_seconds_count") == 1
    assert sample(metrics, "precis_request_decode_time_seconds_count") == waits


def test_sharing_tells_of_joins_hits_and_what_the_cache_holds(metrics: Metrics) -> None:
    metrics.flight_joined()
    for hit in (True, False, False):
        metrics.cache_asked(hit=hit)
    metrics.cache_evicted()
    metrics.cache_holds(entries=3, size_bytes=4096)

    assert sample(metrics, "precis_single_flight_joins_total") == 1
    assert sample(metrics, "precis_result_cache_hits_total") == 1
    assert sample(metrics, "precis_result_cache_misses_total") == 2
    assert sample(metrics, "precis_result_cache_evictions_total") == 1
    assert sample(metrics, "precis_result_cache_entries") == 3
    assert sample(metrics, "precis_result_cache_bytes") == 4096


def test_the_engine_tells_of_padding_rows_and_depths(metrics: Metrics) -> None:
    metrics.encoded(documents=3, tokens=100, padded_tokens=150, seconds=0.02)
    metrics.decoded(rows=5, steps=4, seconds=0.016)
    metrics.depths(waiting=7, running=5)

    assert sample(metrics, "precis_encode_batch_documents_sum") == 3
    assert sample(metrics, "precis_encode_tokens_total") == 100
    assert sample(metrics, "precis_encode_padded_tokens_total") == 150
    assert sample(metrics, "precis_encode_batch_seconds_sum") == 0.02
    assert sample(metrics, "precis_decode_step_rows_sum") == 5
    assert sample(metrics, "precis_decode_step_seconds_sum") == 0.004
    assert sample(metrics, "precis_decode_steps_ahead_total") == 3
    assert sample(metrics, "precis_num_requests_waiting") == 7
    assert sample(metrics, "precis_num_requests_running") == 5


def test_the_engine_tells_how_requests_left_it(metrics: Metrics) -> None:
    metrics.finished(
        reason=FinishReason.LENGTH,
        summary_tokens=9,
        steps=4,
        steps_wasted=2,
        drafted=7,
        accepted=5,
    )
    metrics.dropped(cause="cancelled", stage="waiting")

    assert sample(metrics, "precis_request_success_total", finish_reason="length") == 1
    assert sample(metrics, "precis_decode_row_tokens_total") == 9
    assert sample(metrics, "precis_decode_row_steps_total") == 4
    assert sample(metrics, "precis_decode_row_steps_wasted_total") == 2
    assert sample(metrics, "precis_drafted_tokens_total") == 7
    assert sample(metrics, "precis_accepted_tokens_total") == 5
    assert sample(metrics, "precis_requests_dropped_total", cause="cancelled", stage="waiting") == 1


def test_the_model_and_where_it_runs_can_be_read(metrics: Metrics) -> None:
    metrics.serves(replace(make_model(), instruction_set="avx2"))

    labels = {
        "model": "fake",
        "version": "1.2.3",
        "precision": "int8",
        "bundle_sha256": "ab" * 32,
        "requested_provider": "cpu",
        "actual_provider": "CPUExecutionProvider",
    }
    assert sample(metrics, "precis_model_info", **labels) == 1
    build = {"python": platform.python_version(), "instruction_set": "avx2"}
    assert sample(metrics, "precis_build_info", **build) == 1
    placed = {"requested": "cpu", "actual": "CPUExecutionProvider", "fallback": "false"}
    assert sample(metrics, "precis_provider_info", **placed) == 1


def test_the_settings_that_decide_how_fast_it_is_can_be_read(metrics: Metrics) -> None:
    metrics.works_by(
        batching="dynamic",
        max_rows=16,
        threads=2,
        speculation=True,
        single_flight=False,
        result_cache_mb=0,
    )

    labels = {
        "batching": "dynamic",
        "max_rows": "16",
        "threads": "2",
        "speculation": "on",
        "single_flight": "off",
        "result_cache_mb": "0",
    }
    assert sample(metrics, "precis_settings_info", **labels) == 1


def test_a_fall_back_and_nodes_left_to_the_cpu_can_be_read(metrics: Metrics) -> None:
    metrics.serves(replace(make_model(), requested_provider="cuda", fallback_reason="no driver"))
    metrics.leaves_to_cpu("decoder_step", nodes=3)

    placed = {"requested": "cuda", "actual": "CPUExecutionProvider", "fallback": "true"}
    assert sample(metrics, "precis_provider_info", **placed) == 1
    assert sample(metrics, "precis_nodes_on_cpu", graph="decoder_step") == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "[::]", "localhost"])
def test_prometheus_can_read_the_metrics_and_every_one_is_explained(
    metrics: Metrics, host: str
) -> None:
    server = MetricsServer(metrics.registry, host=host, port=0)
    try:
        url = f"http://localhost:{server.port}/metrics"
        with urllib.request.urlopen(url) as answer:
            text = answer.read().decode()
    finally:
        server.close()

    families = {family.name: family for family in text_string_to_metric_families(text)}
    ours = {name: family for name, family in families.items() if name.startswith("precis_")}
    assert len(ours) > 20
    assert all(family.documentation for family in ours.values())
    assert "process_resident_memory_bytes" in families


def test_without_ipv6_every_address_is_every_one_of_ipv4(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(port: int, address: str, registry: CollectorRegistry) -> Any:
        if address == "::":
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return start_http_server(port, address, registry)

    monkeypatch.setattr("server.telemetry.exposition.start_http_server", start)
    server = MetricsServer(metrics.registry, host="[::]", port=0)
    try:
        with socket.create_connection(("127.0.0.1", server.port)):
            pass
    finally:
        server.close()


def test_a_metrics_port_in_use_is_an_error(metrics: Metrics) -> None:
    server = MetricsServer(metrics.registry, host="127.0.0.1", port=0)
    try:
        with pytest.raises(OSError, match="in use"):
            MetricsServer(metrics.registry, host="127.0.0.1", port=server.port)
    finally:
        server.close()


def test_a_closed_metrics_server_gives_its_port_back(metrics: Metrics) -> None:
    first = MetricsServer(metrics.registry, host="127.0.0.1", port=0)
    first.close()

    second = MetricsServer(metrics.registry, host="127.0.0.1", port=first.port)
    second.close()

    assert second.port == first.port

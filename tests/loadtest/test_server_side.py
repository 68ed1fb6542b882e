"""What the server's own metrics say of a phase."""

import pytest

from loadtest.conduct.server_side import compare, scrape, settings
from server.telemetry.exposition import MetricsServer
from server.telemetry.metrics import Metrics


def test_means_are_of_the_phase_alone() -> None:
    before = {
        "precis_request_queue_time_seconds_sum": 10.0,
        "precis_request_queue_time_seconds_count": 10.0,
    }
    after = {
        "precis_request_queue_time_seconds_sum": 10.4,
        "precis_request_queue_time_seconds_count": 14.0,
        "precis_request_decode_time_seconds_sum": 3.0,
        "precis_request_decode_time_seconds_count": 2.0,
        "precis_decode_step_rows_sum": 30.0,
        "precis_decode_step_rows_count": 10.0,
        "precis_encode_tokens_total": 75.0,
        "precis_encode_padded_tokens_total": 100.0,
    }

    side = compare(before, after)

    assert side is not None
    assert side.stages_ms == pytest.approx({"queue": 100.0, "decode": 1500.0})
    assert side.figures["summaries written together"] == 3.0
    assert side.figures["padding share"] == pytest.approx(0.25)


@pytest.mark.parametrize(("before", "after"), [(None, {}), ({}, None), ({}, {"other": 3.0})])
def test_what_tells_nothing_is_nothing(
    before: dict[str, float] | None, after: dict[str, float] | None
) -> None:
    assert compare(before, after) is None


def test_no_metrics_at_the_address_are_no_error() -> None:
    assert scrape("http://127.0.0.1:9/metrics") is None


def test_the_servers_settings_are_read_for_the_recipe() -> None:
    metrics = Metrics()
    metrics.works_by(
        batching="dynamic",
        max_rows=16,
        threads=2,
        speculation=True,
        single_flight=False,
        result_cache_mb=8,
    )
    exposed = MetricsServer(metrics.registry, host="127.0.0.1", port=0)
    try:
        told = settings(f"http://127.0.0.1:{exposed.port}/metrics")
    finally:
        exposed.close()

    assert told == {
        "server's batching": "dynamic",
        "server's max_rows": "16",
        "server's threads": "2",
        "server's speculation": "on",
        "server's single_flight": "off",
        "server's result_cache_mb": "8",
    }


def test_a_server_that_tells_no_settings_adds_nothing_to_the_recipe() -> None:
    assert settings("http://127.0.0.1:9/metrics") == {}


def test_the_names_that_are_read_are_names_that_the_server_has() -> None:
    from prometheus_client import generate_latest

    from loadtest.conduct import server_side

    metrics = Metrics()
    exposed = generate_latest(metrics.registry).decode()
    ratios = [name for pair in server_side._RATIOS.values() for name in pair]
    stages = [f"{name}_count" for name in server_side._STAGES.values()]
    for name in [*ratios, *stages, *server_side._COUNTS.values()]:
        assert f"\n{name} " in exposed, name

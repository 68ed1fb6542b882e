"""What the server's own metrics say of a phase."""

import pytest

from loadtest.conduct.server_side import compare, scrape


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


def test_the_names_that_are_read_are_names_that_the_server_has() -> None:
    from prometheus_client import generate_latest

    from loadtest.conduct import server_side
    from server.telemetry.metrics import Metrics

    metrics = Metrics()
    exposed = generate_latest(metrics.registry).decode()
    ratios = [name for pair in server_side._RATIOS.values() for name in pair]
    stages = [f"{name}_count" for name in server_side._STAGES.values()]
    for name in [*ratios, *stages, *server_side._COUNTS.values()]:
        assert f"\n{name} " in exposed, name

"""Gates: what passes, what does not, and what cannot be asked."""

import pytest

from loadtest.measure.call import HUNG_UP
from loadtest.measure.gates import GATES, check_objective, judge
from loadtest.measure.recorder import PhaseRecorder
from loadtest.results import Phase
from tests.loadtest.made_runs import call, phase_of, rich_run

TEN = phase_of([call(at / 10, 0.1 * (at + 1)) for at in range(10)])
ONE_FAILED = phase_of([*(call(1.0 + at) for at in range(3)), call(5.0, status="UNAVAILABLE")])
STREAM = phase_of([call(1.0, deltas_s=(1.05, 1.1))], name="stream")


@pytest.mark.parametrize(
    ("gate", "limit", "phase", "passes"),
    [
        ("p50_ms", 501, TEN, True),
        ("p50_ms", 499, TEN, False),
        ("greatest_ms", 1001, TEN, True),
        ("service_p99_ms", 999, TEN, False),
        ("first_delta_p95_ms", 51, STREAM, True),
        ("between_deltas_p99_ms", 49, STREAM, False),
        ("error_rate", 0, TEN, True),
        ("error_rate", 0.25, ONE_FAILED, True),
        ("error_rate", 0.24, ONE_FAILED, False),
        ("min_throughput", 1, TEN, True),
        ("min_throughput", 1.1, TEN, False),
        ("min_summary_tokens_per_s", 1, TEN, False),
        ("dropped_rate", 0, TEN, True),
    ],
)
def test_a_figure_at_its_limit_passes_and_beyond_it_does_not(
    gate: str, limit: float, phase: Phase, passes: bool
) -> None:
    (verdict,) = judge({gate: limit}, [phase])

    assert verdict.passed is passes
    assert verdict.phase == phase.name


def test_every_phase_is_held_against_every_gate_in_words_of_the_scenario() -> None:
    verdicts = judge({"p99_ms": 1000, "min_throughput": 2.5}, [TEN, STREAM])

    assert [(verdict.gate, verdict.phase) for verdict in verdicts] == [
        ("p99_ms <= 1000", "steady"),
        ("p99_ms <= 1000", "stream"),
        ("throughput >= 2.5", "steady"),
        ("throughput >= 2.5", "stream"),
    ]


@pytest.mark.parametrize("gate", GATES)
def test_a_phase_in_which_nothing_happened_passes_no_gate_by_chance(gate: str) -> None:
    nothing = phase_of([])

    (verdict,) = judge({gate: 0.5}, [nothing])

    assert not verdict.passed


def test_a_gate_on_streaming_asks_only_the_phases_that_stream() -> None:
    verdicts = judge({"first_delta_p95_ms": 100}, [TEN, STREAM])

    assert [verdict.phase for verdict in verdicts] == ["stream"]


def test_a_phase_whose_streams_all_failed_does_not_slip_by_a_gate_on_streaming() -> None:
    verdicts = judge({"first_delta_p95_ms": 100}, [ONE_FAILED, STREAM])

    assert [(one.phase, one.passed) for one in verdicts] == [("steady", False), ("stream", True)]


def test_a_gate_on_streaming_fails_where_nothing_streams() -> None:
    assert [one.passed for one in judge({"first_delta_p95_ms": 100}, [TEN])] == [False]


def test_calls_that_never_ended_are_errors_and_those_that_we_ended_are_not() -> None:
    recorder = PhaseRecorder("hangs", "open", 1.0, 0.0, 0.0)
    for at in range(4):
        recorder.arrival(at)
    recorder.add(call(0.0))
    recorder.add(call(1.0, status=HUNG_UP))

    (verdict,) = judge({"error_rate": 0.1}, [recorder.result(5.0)])

    assert verdict.found == pytest.approx(2 / 3)


def test_dropped_arrivals_have_a_gate_of_their_own() -> None:
    recorder = PhaseRecorder("busy", "open", 1.0, 0.0, 0.0)
    for at in range(4):
        recorder.arrival(at)
    recorder.dropped(3.0)
    for at in range(3):
        recorder.add(call(at))

    verdicts = judge({"dropped_rate": 0.2, "error_rate": 0.0}, [recorder.result(5.0)])

    assert [(one.found, one.passed) for one in verdicts] == [(0.25, False), (0.0, True)]


@pytest.mark.parametrize(
    ("slo", "message"),
    [
        ({"p99ms": 1}, "slo.p99ms is unknown: did you mean p99_ms?"),
        ({"max_errors": 1}, "slo.max_errors is unknown: did you mean "),
        ({"p99_ms": -1}, "slo.p99_ms is -1, not a finite number from 0 on"),
        ({"p99_ms": float("nan")}, "slo.p99_ms is nan, not a finite number from 0 on"),
        ({"p99_ms": True}, "slo.p99_ms is True, not a number"),
        ({"error_rate": 5}, "slo.error_rate is 5, but a share is at most 1 (1 % is 0.01)"),
    ],
)
def test_an_objective_that_cannot_be_asked_is_refused_by_its_key(
    slo: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match="slo") as refusal:
        check_objective(slo)

    assert str(refusal.value).startswith(message)


def test_a_run_of_many_phases_can_be_judged_by_all_gates_at_once() -> None:
    phases = rich_run().phases
    gates = [gate for gate in GATES if not gate.startswith("refusal_")]

    assert len(judge(dict.fromkeys(gates, 0.5), phases)) == len(gates) * len(phases)


def test_a_refusal_with_a_time_to_come_back_is_no_failure_and_is_not_served() -> None:
    refused = [
        call(5.0 + at, 0.002, status="RESOURCE_EXHAUSTED", refused=True, pushed_back=1)
        for at in range(2)
    ]
    phase = phase_of([call(1.0), call(2.0), *refused, call(9.0, status="DEADLINE_EXCEEDED")])
    limits = {"refusal_p50_ms": 3, "failed_rate": 0.2, "refused_rate": 0.4, "error_rate": 0.59}

    verdicts = judge({**limits, "min_served_share": 0.4, "dropped_rate": 0.0}, [phase])

    assert {one.gate.split()[0]: (one.found, one.passed) for one in verdicts} == {
        "refusal_p50_ms": (pytest.approx(2.0, rel=0.001), True),
        "failed_rate": (0.2, True),
        "refused_rate": (0.4, True),
        "error_rate": (0.6, False),
        "served_share": (0.4, True),
        "dropped_rate": (0.0, True),
    }


def test_a_gate_on_refusals_asks_nothing_where_all_was_served() -> None:
    assert judge({"refusal_p99_ms": 10}, [TEN]) == ()


def test_a_server_that_drops_what_it_is_offered_does_not_pass_by_its_quick_answers() -> None:
    recorder = PhaseRecorder("busy", "open", 1.0, 0.0, 0.0)
    for at in range(4):
        recorder.arrival(at)
    for at in range(2, 4):
        recorder.dropped(at)
    recorder.add(call(0.0))
    recorder.add(call(1.0, status=HUNG_UP))

    (verdict,) = judge({"min_served_share": 0.9}, [recorder.result(5.0)])

    assert (verdict.found, verdict.passed) == (pytest.approx(1 / 3), False)

"""What a recorder makes of calls: who counts, from when, and that processes add up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measure.call import HUNG_UP, Call
from loadtest.measure.recorder import PhaseRecorder
from loadtest.results import Phase
from tests.loadtest.made_runs import call, phase_of

drawn_calls = st.lists(
    st.builds(
        call,
        st.integers(0, 8000).map(lambda ms: 100 + ms / 1000),
        st.integers(0, 5000).map(lambda ms: ms / 1000),
        kind=st.sampled_from(["Summarize", "SummarizeStream"]),
        status=st.sampled_from(["OK", "UNAVAILABLE", HUNG_UP]),
        summary_tokens=st.integers(0, 50),
        label=st.sampled_from(["", "short"]),
        retries=st.integers(0, 2),
        pushed_back=st.integers(0, 2),
    ),
    max_size=30,
)


def recorder(warm_up_s: float = 1.0, start_s: float = 100.0) -> PhaseRecorder:
    return PhaseRecorder("steady", "open", 5.0, warm_up_s, start_s)


def record(target: PhaseRecorder, calls: list[Call]) -> PhaseRecorder:
    for one in calls:
        target.arrival(one.intended_s)
        target.add(one)
    return target


def figures(phase: Phase) -> object:
    """Gives all of a phase but the means, which depend on the order of adding in the last bit."""
    data = vars(phase).copy()
    distributions = data.pop("distributions")
    return data, {name: (one.bins, one.least, one.p99) for name, one in distributions.items()}


@given(drawn_calls, st.data())
def test_recorders_of_several_processes_add_up_to_one_that_saw_everything(
    calls: list[Call], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(calls)))
    mine = record(recorder(), calls[:cut])

    mine.merge(json.loads(json.dumps(record(recorder(), calls[cut:]).dump())))

    assert figures(mine.result(108.0)) == figures(record(recorder(), calls).result(108.0))


@given(drawn_calls)
def test_windows_account_for_every_call_of_the_phase(calls: list[Call]) -> None:
    phase = record(recorder(), calls).result(108.0)

    assert phase.offered == sum(phase.statuses.values()) == sum(w.offered for w in phase.windows)
    assert phase.ok == sum(window.ok for window in phase.windows)
    finished = sum(window.finished for window in phase.windows)
    assert phase.throughput == pytest.approx(finished / phase.seconds)


def test_latency_counts_from_when_a_call_was_due_and_service_from_its_sending() -> None:
    late = call(1.0, sent_s=3.0, ended_s=3.5)

    phase = phase_of([late])

    found = {name: one.greatest for name, one in phase.distributions.items()}
    assert found["latency"] == found["latency/Summarize"] == pytest.approx(2500)
    assert found["service"] == pytest.approx(500)
    assert found["send lag"] == pytest.approx(2000)


def test_the_warm_up_is_left_out_of_all_but_the_throughput_of_what_ends_after_it() -> None:
    target = recorder(warm_up_s=1.0)

    phase = record(target, [call(100.5, 0.2), call(100.9, 0.2), call(102.0)]).result(111.0)

    assert (phase.offered, phase.ok, phase.seconds) == (1, 1, 10.0)
    assert phase.distributions["latency"].count == 1
    assert phase.throughput == pytest.approx(0.2)


def test_what_a_server_does_after_the_end_is_no_throughput_but_is_latency() -> None:
    phase = phase_of([call(1.0, 1.0), call(2.0, 20.0)], seconds=10.0)

    assert phase.throughput == pytest.approx(0.1)
    assert phase.distributions["latency"].greatest == pytest.approx(20_000)


def test_dropped_arrivals_are_offered_and_neither_ok_nor_failed() -> None:
    target = recorder(warm_up_s=0.0)
    target.arrival(101.5)
    target.dropped(101.5)

    phase = target.result(105.0)

    assert (phase.offered, phase.dropped, phase.ok, phase.statuses) == (1, 1, 0, {})
    assert [window.dropped for window in phase.windows] == [0, 1, 0, 0, 0]


def test_calls_that_failed_have_no_latency_but_a_status() -> None:
    phase = phase_of([call(1.0, status="UNAVAILABLE"), call(1.1, status=HUNG_UP)])

    assert "latency" not in phase.distributions
    assert phase.statuses == {HUNG_UP: 1, "UNAVAILABLE": 1}
    assert phase.windows[1].failed == 1
    assert phase.windows[1].p99_ms is None


def test_a_stream_is_timed_to_its_first_delta_and_from_each_to_the_next() -> None:
    stream = call(1.0, 2.0, sent_s=1.5, deltas_s=(2.0, 2.25, 2.5), summary_tokens=8)

    found = phase_of([stream]).distributions

    assert found["first delta"].greatest == pytest.approx(1000)
    assert (found["between deltas"].count, found["between deltas"].mean) == (2, 250)
    assert (found["tokens/s"].unit, found["tokens/s"].greatest) == ("tokens/s", 8)


def test_a_phase_that_ends_within_its_warm_up_measured_nothing() -> None:
    phase = record(recorder(warm_up_s=5.0), [call(101.0)]).result(103.0)

    assert (phase.seconds, phase.offered, phase.throughput) == (0.0, 0, 0.0)
    assert (phase.windows, phase.is_stable) == ((), False)

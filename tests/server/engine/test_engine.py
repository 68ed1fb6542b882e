"""The engine over a scripted runner: no model, no thread, no clock but ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.decoding.strategy import Candidates
from server.engine.admission import Batching
from server.engine.request import Failed, Written
from server.engine.runner import RunnerError
from server.errors import DeadlineExpired, EngineFailure
from server.types import FinishReason
from tests.server.engine.scripted import (
    LANES,
    Clock,
    ScriptedRunner,
    failed,
    finished,
    make_engine,
    make_request,
    run,
)


def test_one_request_is_written_to_its_end() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(7, (10, 11, 12)))
    assert finished(run(engine)) == {7: [12, 11, 10]}


def test_a_request_that_reaches_its_limit_says_so() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, (10, 11, 12), max_tokens=2))
    (event,) = run(engine)
    assert (event.tokens, event.reason) == ([12, 11], FinishReason.LENGTH)


def test_an_arrival_joins_between_two_steps_of_a_running_request() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11, 12)))
    engine.step()
    engine.submit(make_request(1, (20, 21, 22)))
    engine.step()
    assert runner.decoded[-1].positions == [1, 0]


def test_dynamic_batching_starts_nobody_while_anyone_runs() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, batching=Batching.DYNAMIC)
    for i in range(2):
        engine.submit(make_request(i))
    engine.step()
    engine.submit(make_request(2))
    run(engine)
    assert [len(batch.input_tokens) for batch in runner.decoded] == [2] * 4 + [1] * 4


def test_batching_off_runs_one_request_at_a_time() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, batching=Batching.OFF)
    for i in range(3):
        engine.submit(make_request(i))
    assert len(finished(run(engine))) == 3
    assert {len(batch.input_tokens) for batch in runner.decoded} == {1}


def test_never_more_rows_run_than_allowed_and_arrivals_keep_their_order() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_rows=2)
    for i in range(5):
        engine.submit(make_request(i, (10 + i, 20, 30)))
    run(engine)
    assert max(len(batch.input_tokens) for batch in runner.decoded) == 2
    assert [source[0] for batch in runner.encoded for source in batch.sources] == [
        10,
        11,
        12,
        13,
        14,
    ]


def test_one_step_encodes_no_more_padded_tokens_than_the_budget() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_encode_tokens=8)
    for i in range(4):
        engine.submit(make_request(i, (10, 11, 12, 13)))
    engine.step()
    assert [len(batch.sources) for batch in runner.encoded] == [2]


def test_a_document_longer_than_the_budget_is_encoded_alone() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_encode_tokens=8)
    engine.submit(make_request(0, tuple(range(10, 26))))
    assert len(finished(run(engine))[0]) == 16


def test_cancelling_frees_the_row_at_the_next_step_without_a_word() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_rows=1)
    engine.submit(make_request(0))
    engine.submit(make_request(1, (20, 21, 22)))
    engine.step()
    engine.cancel(0)
    assert engine.step() == []
    assert runner.rows[4][0] == (20, 21, 22)


def test_cancelling_a_waiting_request_costs_no_encoding() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    engine.submit(make_request(0))
    engine.cancel(0)
    assert engine.step() == []
    assert engine.is_idle
    assert runner.encoded == []


def test_cancelling_what_is_over_does_nothing() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0))
    run(engine)
    engine.cancel(0)
    assert engine.step() == []


def test_a_deadline_ends_a_running_request_at_the_next_step() -> None:
    clock = Clock()
    engine = make_engine(ScriptedRunner(), clock=clock)
    engine.submit(make_request(0, deadline_s=clock.now_s + 1))
    engine.step()
    clock.now_s += 1
    (event,) = engine.step()
    assert isinstance(event, Failed)
    assert isinstance(event.error, DeadlineExpired)
    assert event.error.stage == "running"
    assert engine.is_idle


def test_a_request_past_its_deadline_is_never_encoded() -> None:
    clock, runner = Clock(), ScriptedRunner()
    engine = make_engine(runner, clock=clock)
    engine.submit(make_request(0, deadline_s=clock.now_s))
    (event,) = engine.step()
    assert isinstance(event, Failed)
    assert runner.encoded == []


def test_a_document_that_cannot_be_encoded_fails_alone() -> None:
    runner = ScriptedRunner()
    runner.poison = 66
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11)))
    engine.submit(make_request(1, (66, 11)))
    engine.submit(make_request(2, (12, 13)))
    events = run(engine)
    assert finished(events) == {0: [11, 10], 2: [13, 12]}
    assert isinstance(failed(events)[1].error, EngineFailure)


def test_a_step_that_fails_takes_its_own_lane_with_it_and_no_other() -> None:
    runner = ScriptedRunner()
    runner.broken_lanes = {8}
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11)))
    engine.submit(make_request(1, (20, 21, 22, 23, 24)))
    events = run(engine)
    assert finished(events) == {0: [11, 10]}
    assert isinstance(failed(events)[1].error, EngineFailure)


def test_after_a_failed_step_the_lane_serves_again() -> None:
    runner = ScriptedRunner()
    runner.broken_lanes = {4}
    engine = make_engine(runner)
    engine.submit(make_request(0))
    run(engine)
    runner.broken_lanes = set()
    engine.submit(make_request(1, (20, 21)))
    assert finished(run(engine)) == {1: [21, 20]}


def test_steps_that_fail_again_and_again_are_the_end_of_the_engine() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    runner.broken_lanes = {4}
    for attempt in range(7):
        engine.submit(make_request(attempt))
        assert failed(run(engine)).keys() == {attempt}
    engine.submit(make_request(7))

    with pytest.raises(RunnerError, match="broken"):
        run(engine)
    assert failed(engine.abort_all(EngineFailure("over"))).keys() == {7}


def test_failed_steps_with_one_between_that_works_are_not_the_end() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    for attempt in range(20):
        runner.broken_lanes = set() if attempt % 7 == 0 else {4}
        engine.submit(make_request(attempt))
        run(engine)
    assert len(runner.decoded) > 20


def test_a_source_that_fits_no_lane_fails_and_harms_nobody() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, (10, 11)))
    engine.submit(make_request(1, tuple(range(10, 27))))
    events = run(engine)
    assert finished(events) == {0: [11, 10]}
    assert "17 source tokens, at most 16" in str(failed(events)[1].error)


def test_a_row_that_the_model_gives_no_number_for_fails_alone() -> None:
    class HalfBlind(ScriptedRunner):
        def decode(self, batch):  # type: ignore[no-untyped-def]
            first, *rest = super().decode(batch)
            return [Candidates(first.token_ids, (float("nan"), float("nan"))), *rest]

    engine = make_engine(HalfBlind(), batching=Batching.DYNAMIC)
    engine.submit(make_request(0, (10, 11), max_tokens=1))
    engine.submit(make_request(1, (20, 21), max_tokens=1))
    events = run(engine)
    assert "no number" in str(failed(events)[0].error)
    assert finished(events) == {1: [21]}


def test_what_was_finished_before_a_fatal_failure_in_the_same_step_is_not_lost() -> None:
    class Breaking(ScriptedRunner):
        def decode(self, batch):  # type: ignore[no-untyped-def]
            if batch.lane == LANES[1]:
                raise ZeroDivisionError
            return super().decode(batch)

    engine = make_engine(Breaking())
    engine.submit(make_request(0, (10, 11), max_tokens=1))
    engine.submit(make_request(1, (20, 21, 22, 23, 24)))
    with pytest.raises(ZeroDivisionError):
        engine.step()
    events = engine.abort_all(EngineFailure("broken"))
    assert finished(events) == {0: [11]}
    assert failed(events).keys() == {1}


def test_tokens_are_told_one_by_one_only_to_those_who_want_them() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, (10, 11), wants_tokens=True))
    engine.submit(make_request(1, (20, 21)))
    written = [event for event in run(engine) if isinstance(event, Written)]
    assert written == [Written(0, 11), Written(0, 10)]


def test_timings_split_queue_encode_and_decode() -> None:
    clock = Clock()

    class SlowRunner(ScriptedRunner):
        def encode(self, batch):  # type: ignore[no-untyped-def]
            clock.now_s += 2
            super().encode(batch)

        def decode(self, batch):  # type: ignore[no-untyped-def]
            clock.now_s += 1
            return super().decode(batch)

    engine = make_engine(SlowRunner(), clock=clock)
    engine.submit(make_request(0, (10, 11)))
    clock.now_s += 5
    (event,) = run(engine)
    assert (event.queue_s, event.encode_s, event.decode_s) == (5, 2, 3)


requests = st.lists(
    st.tuples(
        st.integers(1, max(LANES)),  # source length
        st.integers(0, 30),  # step at which it arrives
        st.one_of(st.none(), st.integers(0, 40)),  # step at which it is cancelled
    ),
    max_size=24,
)


@given(requests, st.integers(1, 6), st.integers(1, 64), st.sampled_from(list(Batching)))
def test_whatever_comes_and_goes_every_row_writes_what_it_would_alone(
    arrivals: list[tuple[int, int, int | None]], max_rows: int, budget: int, batching: Batching
) -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_rows=max_rows, max_encode_tokens=budget, batching=batching)
    sources = {
        i: tuple(range(100 * i + 2, 100 * i + 2 + n)) for i, (n, _, _) in enumerate(arrivals)
    }
    events = []
    for step in range(42):
        for i, (_, arrives, cancelled) in enumerate(arrivals):
            if arrives == step:
                engine.submit(make_request(i, sources[i]))
            if cancelled == step:
                engine.cancel(i)
        events += engine.step()
        assert engine.scheduler.num_running <= max_rows
    events += run(engine)

    outcome = finished(events)
    for i, tokens in outcome.items():
        assert tokens == list(reversed(sources[i]))
    never_cancelled = {
        i
        for i, (_, arrives, cancelled) in enumerate(arrivals)
        if cancelled is None or cancelled < arrives
    }
    assert never_cancelled <= outcome.keys()
    assert engine.scheduler.num_running == engine.scheduler.num_waiting == 0

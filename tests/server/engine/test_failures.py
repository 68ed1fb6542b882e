"""What ends a request before its summary is complete, and whom that does not touch."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from server.decoding.greedy import Greedy
from server.decoding.strategy import Outcome
from server.engine.admission import Batching
from server.engine.request import Failed
from server.engine.runner import (
    DecodeBatch,
    Encoding,
    LaneKey,
    OutOfMemoryRunnerError,
    RunnerError,
)
from server.errors import DeadlineExpired, EngineFailure, InvalidRequest, OutOfMemory
from server.types import DecodingOptions
from tests.server.engine.scripted import (
    LANES,
    SPECIAL,
    ScriptedRunner,
    failed,
    finished,
    make_engine,
    make_request,
    run,
)
from tests.server.engine.scripted_model import END, VOCABULARY, make_source, said


def test_cancelling_frees_the_row_at_the_next_step_without_a_word() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_rows=1)
    engine.submit(make_request(0))
    engine.submit(make_request(1, (20, 21, 22)))
    engine.step()
    engine.cancel(0)
    assert engine.step() == []
    assert runner.rows[LaneKey(4, 1)][0].source == (20, 21, 22)


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
    runner = ScriptedRunner()
    engine = make_engine(runner)
    engine.submit(make_request(0, deadline_s=runner.clock.now_s + 3))
    engine.step()
    runner.clock.now_s += 1
    (event,) = engine.step()
    assert isinstance(event, Failed)
    assert isinstance(event.error, DeadlineExpired)
    assert event.error.stage == "running"
    assert engine.is_idle


def test_a_deadline_ends_a_request_that_is_being_encoded() -> None:
    runner = ScriptedRunner(slices=9, slice_s=1)
    engine = make_engine(runner)
    engine.submit(make_request(0))
    engine.step()
    late = make_request(1)
    engine.submit(late)
    engine.step()
    # Its caller gives it less time than it seemed to have.
    late.terms.deadline_s = runner.clock.now_s
    (event,) = engine.step()
    assert isinstance(event, Failed)
    assert isinstance(event.error, DeadlineExpired)
    assert event.error.stage == "encoding"


def test_a_request_past_its_deadline_is_never_encoded() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    engine.submit(make_request(0, deadline_s=runner.clock.now_s))
    (event,) = engine.step()
    assert isinstance(event, Failed)
    assert runner.encoded == []


def test_a_document_that_cannot_be_encoded_fails_alone() -> None:
    runner = ScriptedRunner()
    runner.poison = 63
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11)))
    engine.submit(make_request(1, (63, 11)))
    engine.submit(make_request(2, (12, 13)))
    events = run(engine)
    assert finished(events) == {0: [11, 10], 2: [13, 12]}
    assert isinstance(failed(events)[1].error, EngineFailure)
    assert [len(encoding.sources) for encoding in runner.begun] == [3, 1, 1, 1]


def test_a_document_that_there_is_no_room_for_fails_alone() -> None:
    class Narrow(ScriptedRunner):
        def admit(
            self, encoding: Encoding, documents: Sequence[int], lane: LaneKey, first_row: int
        ) -> None:
            if first_row + len(documents) > 2:
                raise RunnerError("no room")
            super().admit(encoding, documents, lane, first_row)

    engine = make_engine(Narrow())
    for i in range(3):
        engine.submit(make_request(i, (10 + i, 20)))
    events = run(engine)
    assert finished(events) == {0: [20, 10], 1: [20, 11]}
    assert isinstance(failed(events)[2].error, EngineFailure)


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
        def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
            first, *rest = super().decode(batch)
            return [replace(first, log_probs=np.full_like(first.log_probs, np.nan)), *rest]

    engine = make_engine(HalfBlind(), batching=Batching.DYNAMIC)
    engine.submit(make_request(0, (10, 11), max_tokens=1))
    engine.submit(make_request(1, (20, 21), max_tokens=1))
    events = run(engine)
    assert "no number" in str(failed(events)[0].error)
    assert finished(events) == {1: [21]}


def test_a_request_whose_rules_leave_no_token_to_write_fails_alone() -> None:
    all_banned = tuple((token,) for token in range(END, VOCABULARY))
    options = DecodingOptions(max_tokens=5, banned_runs=all_banned)
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, (10, 11), strategy=Greedy(options, SPECIAL)))
    engine.submit(make_request(1, (20, 21)))
    events = run(engine)
    assert finished(events) == {1: [21, 20]}
    assert isinstance(failed(events)[0].error, InvalidRequest)


def test_a_fault_in_the_decoding_of_one_summary_fails_that_one_alone() -> None:
    class Broken(Greedy):
        def advance(self, outcome: Outcome) -> bool:
            raise IndexError

    engine = make_engine(ScriptedRunner())
    strategy = Broken(DecodingOptions(max_tokens=5), SPECIAL)
    engine.submit(make_request(0, (10, 11), strategy=strategy))
    engine.submit(make_request(1, (20, 21)))
    events = run(engine)
    assert finished(events) == {1: [21, 20]}
    assert "IndexError" in str(failed(events)[0].error)


def test_what_was_finished_before_a_fatal_failure_in_the_same_step_is_not_lost() -> None:
    class Breaking(ScriptedRunner):
        def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
            if batch.lane.longest_source == LANES[1]:
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


class Cramped(ScriptedRunner):
    """Has memory for so many cache slots in a step, over all rows."""

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.slots = slots

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        longest = max(proposal.first_slot for proposal in batch.proposals) + 1
        if longest * len(batch.proposals) > self.slots:
            raise OutOfMemoryRunnerError("a step failed: no memory")
        return super().decode(batch)


def test_a_step_without_memory_costs_the_longest_row_and_spares_the_others() -> None:
    engine = make_engine(Cramped(slots=12))
    long, *others = [make_source(i, 16) for i in range(3)]
    engine.submit(make_request(0, long))
    for _ in range(4):
        engine.step()
    for i, source in enumerate(others, 1):
        engine.submit(make_request(i, source, max_tokens=4))
    events = run(engine)
    assert isinstance(failed(events)[0].error, OutOfMemory)
    assert finished(events) == {i: said(source)[:4] for i, source in enumerate(others, 1)}


def test_a_row_that_there_is_never_memory_for_is_a_failure_of_the_engine_in_the_end() -> None:
    engine = make_engine(Cramped(slots=0), max_rows=1)
    for i in range(9):
        engine.submit(make_request(i))
    for i in range(7):
        assert failed(engine.step()).keys() == {i}
    with pytest.raises(OutOfMemoryRunnerError):
        engine.step()
    assert failed(engine.abort_all(EngineFailure("over"))).keys() == {7, 8}

"""The engine over a scripted runner: no model, no thread, no clock but ours."""

import pytest

from server.decoding.beams import BeamSearch
from server.engine.admission import Batching
from server.engine.observer import SilentObserver
from server.engine.request import Finished, Stamps, Written
from server.types import DecodingOptions, FinishReason
from tests.server.engine.scripted import (
    SPECIAL,
    ScriptedRunner,
    finished,
    make_engine,
    make_request,
    run,
)
from tests.server.engine.scripted_model import VOCABULARY, make_source, said


def beams(width: int, **changes: object) -> BeamSearch:
    options = DecodingOptions(max_tokens=12, num_beams=width, **changes)  # type: ignore[arg-type]
    return BeamSearch(options, SPECIAL, VOCABULARY)


def test_one_request_is_written_to_its_end() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(7, (10, 11, 12)))
    (event,) = run(engine)
    assert isinstance(event, Finished)
    (hypothesis,) = event.hypotheses
    assert (event.request_id, event.steps) == (7, 4)
    assert hypothesis.tokens == said((10, 11, 12)) == [11, 12, 10]
    assert hypothesis.reason is FinishReason.STOP


def test_a_request_that_reaches_its_limit_says_so() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, (10, 11, 12), max_tokens=2))
    (event,) = run(engine)
    assert isinstance(event, Finished)
    (hypothesis,) = event.hypotheses
    assert (hypothesis.tokens, hypothesis.reason) == ([11, 12], FinishReason.LENGTH)


def test_an_arrival_joins_between_two_steps_of_a_running_request() -> None:
    runner = ScriptedRunner(slices=1)
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11, 12)))
    engine.step()
    engine.submit(make_request(1, (20, 21, 22)))
    engine.step()
    assert [proposal.first_slot for proposal in runner.decoded[-1].proposals] == [1, 0]


def test_rows_share_a_lane_if_their_sources_and_widths_are_alike() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_rows=5)
    engine.submit(make_request(0, make_source(0, 4)))
    engine.submit(make_request(1, make_source(1, 5)))
    engine.submit(make_request(2, make_source(2, 3)))
    engine.submit(make_request(3, make_source(3, 4), strategy=beams(2)))
    engine.submit(make_request(4, make_source(4, 4), strategy=beams(3)))
    engine.step()
    rows = {batch.lane: len(batch.proposals) for batch in runner.decoded}
    assert rows == {(4, 1): 2, (8, 1): 1, (4, 2): 1, (4, 3): 1}


def test_dynamic_batching_starts_nobody_while_anyone_runs() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, batching=Batching.DYNAMIC)
    for i in range(2):
        engine.submit(make_request(i))
    engine.step()
    engine.submit(make_request(2))
    run(engine)
    assert [len(batch.proposals) for batch in runner.decoded] == [2] * 4 + [1] * 4


def test_dynamic_batching_starts_all_together_however_many_batches_encode_them() -> None:
    runner = ScriptedRunner(slices=3)
    engine = make_engine(runner, batching=Batching.DYNAMIC, max_encode_tokens=4)
    for i in range(3):
        engine.submit(make_request(i))
    engine.step()
    assert len(runner.begun) == 3
    assert [len(batch.proposals) for batch in runner.decoded] == [3]


def test_batching_off_runs_one_request_at_a_time() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, batching=Batching.OFF)
    for i in range(3):
        engine.submit(make_request(i))
    assert len(finished(run(engine))) == 3
    assert {len(batch.proposals) for batch in runner.decoded} == {1}


def test_never_more_rows_run_than_allowed_and_arrivals_keep_their_order() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_rows=2)
    for i in range(5):
        engine.submit(make_request(i, (10 + i, 20, 30)))
    run(engine)
    assert max(len(batch.proposals) for batch in runner.decoded) == 2
    assert [source[0] for source in runner.encoded] == [10, 11, 12, 13, 14]


def test_every_hypothesis_of_a_search_is_told_best_first() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, strategy=beams(3, num_summaries=2)))
    (event,) = run(engine)
    assert isinstance(event, Finished)
    first, second = event.hypotheses
    assert first.score >= second.score


def test_the_tokens_of_a_summary_are_told_once_each_as_soon_as_they_are_certain() -> None:
    engine = make_engine(ScriptedRunner())
    engine.submit(make_request(0, (10, 11), wants_tokens=True))
    engine.submit(make_request(1, (20, 21)))
    assert engine.step() == [Written(0, [11])]
    assert engine.step() == [Written(0, [10])]
    assert not any(isinstance(event, Written) for event in run(engine))


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_search_tells_no_token_twice_and_none_that_is_not_in_its_best_summary(
    width: int,
) -> None:
    for seed in range(20):
        engine = make_engine(ScriptedRunner())
        source = make_source(seed, 6)
        engine.submit(make_request(0, source, wants_tokens=True, strategy=beams(width)))
        *written, last = run(engine)
        assert isinstance(last, Finished)
        tokens = [
            token for event in written if isinstance(event, Written) for token in event.tokens
        ]
        assert tokens == list(last.hypotheses[0].tokens)


def test_timings_split_queue_encode_and_decode() -> None:
    runner = ScriptedRunner(slices=4, slice_s=0.5)
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11)))
    runner.clock.now_s += 5
    (event,) = run(engine)
    assert isinstance(event, Finished)
    start_s = event.stamps.submitted_s
    assert event.stamps == Stamps(start_s, start_s + 5, start_s + 7, start_s + 10)


def test_waiting_for_the_step_in_progress_counts_as_queue() -> None:
    runner = ScriptedRunner(slices=4, slice_s=0.5)
    engine = make_engine(runner)
    request = make_request(0, (10, 11))
    request.submitted_s = runner.clock.now_s - 3
    engine.submit(request)
    (event,) = run(engine)
    assert isinstance(event, Finished)
    assert event.stamps.submitted_s == event.stamps.encode_started_s - 3


def test_an_observer_hears_what_was_encoded_decoded_and_finished() -> None:
    class Notes(SilentObserver):
        def __init__(self) -> None:
            self.notes: list[dict[str, object]] = []

        def encoded(self, **note: object) -> None:
            self.notes.append(note)

        def decoded(self, **note: object) -> None:
            self.notes.append(note)

        def finished(self, **note: object) -> None:
            self.notes.append(note)

    observer = Notes()
    engine = make_engine(ScriptedRunner(slices=3, slice_s=0.5), observer=observer)
    engine.submit(make_request(0, make_source(0, 8), max_tokens=1))
    engine.submit(make_request(1, make_source(1, 7), max_tokens=1))
    run(engine)
    over = {"summary_tokens": 1, "steps": 1, "steps_wasted": 0, "drafted": 0, "accepted": 0}
    assert observer.notes == [
        {"documents": 2, "tokens": 15, "padded_tokens": 16, "seconds": 1.5},
        {"rows": 2, "steps": 1, "seconds": 1.0},
        {"reason": FinishReason.LENGTH, **over},
        {"reason": FinishReason.LENGTH, **over},
    ]


def test_a_lane_is_let_go_of_when_its_last_row_leaves_and_no_sooner() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    engine.submit(make_request(0, (10, 11)))
    engine.submit(make_request(1, (20, 21, 22, 23)))
    engine.submit(make_request(2, make_source(2, 4), strategy=beams(2)))
    lanes = set()
    while not engine.is_idle:
        engine.step()
        held = set(engine.scheduler.lanes_to_decode())
        assert runner.rows.keys() == held
        lanes |= held
    assert lanes == {(4, 1), (4, 2)}

"""Steps that a device takes by itself: how many the engine asks for, and what it makes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.decoding.drafting import CopyDrafts
from server.decoding.greedy import Greedy
from server.decoding.sampling import Sampling
from server.engine import engine as engine_module
from server.engine.ahead import AheadPolicy
from server.engine.observer import SilentObserver
from server.engine.request import Failed, Finished, Written
from server.engine.step_costs import StepCosts
from server.types import DecodingOptions
from tests.server.engine.scripted import (
    SPECIAL,
    ScriptedRunner,
    finished,
    make_engine,
    make_request,
    run,
)
from tests.server.engine.scripted_device import copied_draft
from tests.server.engine.scripted_model import make_source, said


@given(
    st.integers(0, 64),
    st.lists(st.integers(0, 200), min_size=1, max_size=64),
    st.integers(0, 64),
    st.lists(st.integers(0, 500), max_size=20),
)
def test_never_more_than_may_be_nor_past_the_end_of_more_than_an_eighth_of_the_rows(
    most: int, tokens_left: list[int], newcomers: int, lengths: list[int]
) -> None:
    policy = AheadPolicy()
    for steps in lengths:
        policy.learn(steps)
    steps = policy.steps_ahead(most, tokens_left, newcomers)
    assert 0 <= steps <= most
    assert sum(left < steps for left in tokens_left) <= len(tokens_left) / 8


def test_newcomers_shorten_the_stretch_the_more_the_fewer_run() -> None:
    policy = AheadPolicy()
    alone = policy.steps_ahead(64, [100] * 16, 0)
    some = policy.steps_ahead(64, [100] * 16, 2)
    many = policy.steps_ahead(64, [100] * 16, 64)
    assert alone > some > many
    assert policy.steps_ahead(64, [100], 64) == 0


def test_where_summaries_are_long_fewer_looks_are_taken() -> None:
    short, long = AheadPolicy(), AheadPolicy()
    for _ in range(200):
        short.learn(8)
        long.learn(128)
    assert short.steps_ahead(64, [100] * 4, 0) == 3
    assert long.steps_ahead(64, [100] * 4, 0) == 15


def device(**changes: object) -> ScriptedRunner:
    return ScriptedRunner(**{"most_steps_ahead": 8, **changes})


def test_a_row_is_written_in_a_few_looks_and_told_of_many_tokens_at_once() -> None:
    runner = device()
    engine = make_engine(runner)
    engine.submit(make_request(0, make_source(0, 16), wants_tokens=True))
    events = run(engine)
    written = [event.tokens for event in events if isinstance(event, Written)]
    assert [token for tokens in written for token in tokens] == said(make_source(0, 16))
    assert [len(tokens) for tokens in written] == [8, 8]
    assert len(runner.decoded) == 3


def test_the_steps_of_a_row_are_those_that_were_run_for_it_and_the_wasted_among_them() -> None:
    class Notes(SilentObserver):
        def __init__(self) -> None:
            self.ends: list[dict[str, object]] = []
            self.looks: list[dict[str, object]] = []

        def finished(self, **note: object) -> None:
            self.ends.append(note)

        def decoded(self, **note: object) -> None:
            self.looks.append(note)

    observer, runner = Notes(), device()
    engine = make_engine(runner, observer=observer)
    engine.submit(make_request(0, make_source(0, 9)))
    (event,) = run(engine)
    assert isinstance(event, Finished)
    ran = [1 + batch.steps_ahead for batch in runner.decoded]
    assert event.steps == observer.ends[0]["steps"] == sum(ran)
    assert observer.ends[0]["steps_wasted"] == sum(ran) - 10  # nine words and the end
    assert observer.looks == [{"rows": 1, "steps": steps, "seconds": steps} for steps in ran]


def test_a_row_that_gives_no_leave_keeps_the_others_of_its_lane_from_going_on() -> None:
    runner = device()
    engine = make_engine(runner)
    sampled = Sampling(DecodingOptions(max_tokens=3, temperature=1.0), SPECIAL, 64)
    engine.submit(make_request(0, make_source(0, 16)))
    engine.submit(make_request(1, make_source(1, 16), strategy=sampled))
    run(engine)
    ahead = {(len(batch.proposals), batch.steps_ahead > 0) for batch in runner.decoded}
    assert ahead == {(2, False), (1, True)}


def test_a_runner_that_takes_fewer_steps_than_it_may_is_counted_by_what_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int, float]] = []

    class Noting(StepCosts):
        def observe(self, rows: int, tokens: int, seconds: float) -> None:
            seen.append((rows, tokens, seconds))

    monkeypatch.setattr(engine_module, "StepCosts", Noting)
    runner = device(draft=copied_draft(2), most_taken=2)
    engine = make_engine(runner, most_drafted=0)
    engine.submit(make_request(0, make_source(0, 16)))
    (event,) = run(engine)
    assert isinstance(event, Finished)
    assert event.steps == 3 * len(runner.decoded)
    # The steps ahead are three tokens wide, and they are most of the steps.
    assert seen == [(1, 3, 1.0)] * len(runner.decoded)


@pytest.mark.parametrize("width", [0, 2])
def test_a_proposal_to_go_on_from_holds_as_much_of_a_draft_as_the_runners_own_steps(
    width: int,
) -> None:
    runner = device(draft=copied_draft(width), most_steps_ahead=2)
    engine = make_engine(runner, max_rows=1)
    for i in range(4):
        source = make_source(i, 16)
        engine.submit(make_request(i, source, drafter=CopyDrafts(source)))
    assert finished(run(engine)) == {i: said(make_source(i, 16)) for i in range(4)}
    assert all(batch.steps_ahead for batch in runner.decoded)
    assert max(len(batch.proposals[0].token_ids) for batch in runner.decoded) == 1 + width


def test_where_nobody_may_go_on_rows_draft_what_pays() -> None:
    runner = device()
    engine = make_engine(runner)
    options = DecodingOptions(max_tokens=40, repetition_penalty=1.01)
    source = make_source(0, 16)
    strategy = Greedy(options, SPECIAL, CopyDrafts(source))
    engine.submit(make_request(0, source, strategy=strategy))
    run(engine)
    assert max(len(batch.proposals[0].token_ids) for batch in runner.decoded) > 1
    assert not any(batch.steps_ahead for batch in runner.decoded)


def test_a_number_that_is_none_in_a_step_ahead_fails_its_row_and_no_other() -> None:
    runner = device()
    runner.nameless = make_source(1, 16)
    engine = make_engine(runner)
    for i in range(2):
        engine.submit(make_request(i, make_source(i, 16)))
    events = run(engine)
    assert finished(events) == {0: said(make_source(0, 16))}
    assert [event.request_id for event in events if isinstance(event, Failed)] == [1]


def test_an_encoding_under_way_is_looked_at_between_steps_and_not_waited_for() -> None:
    runner = ScriptedRunner(encode_s=2.5)
    engine = make_engine(runner)
    engine.submit(make_request(0, make_source(0, 16)))
    engine.step()
    runner.log.clear()
    engine.submit(make_request(1))
    for _ in range(4):
        engine.step()
    assert runner.log == ["begin", "look", "step"] + ["look", "step"] * 3 + ["step"]
    assert engine.scheduler.num_running == 2


def test_an_encoding_under_way_took_as_long_as_it_was_under_way() -> None:
    class Notes(SilentObserver):
        def encoded(self, **note: object) -> None:
            seconds.append(note["seconds"])

    seconds: list[object] = []
    engine = make_engine(ScriptedRunner(encode_s=2.5), observer=Notes())
    engine.submit(make_request(0, make_source(0, 16)))
    engine.step()
    engine.submit(make_request(1))
    run(engine)
    assert seconds == [2.5, 3.0]  # the second was found done after three steps


def test_where_nobody_runs_the_first_encoding_is_waited_for_and_the_next_goes_on_beside() -> None:
    runner = ScriptedRunner(encode_s=2.5)
    engine = make_engine(runner, max_encode_tokens=4)
    for i in range(2):
        engine.submit(make_request(i))
    engine.step()
    assert runner.log == ["begin", "begin", "wait", "look", "step"]
    assert engine.scheduler.num_running == 1


def test_several_encodings_are_under_way_at_once_but_not_any_number() -> None:
    runner = ScriptedRunner(encode_s=2.5)
    engine = make_engine(runner, max_encode_tokens=4, max_rows=16)
    for i in range(9):
        engine.submit(make_request(i))
    engine.step()
    assert runner.log.count("begin") == 4


def test_an_encoding_that_nobody_waits_for_any_more_keeps_its_memory_to_the_end() -> None:
    runner = ScriptedRunner(encode_s=2.5)
    engine = make_engine(runner)
    engine.submit(make_request(0, make_source(0, 16)))
    engine.step()
    engine.submit(make_request(1))
    engine.step()
    engine.cancel(1)
    assert finished(run(engine)) == {0: said(make_source(0, 16))}
    assert runner.begun[-1].slices_left == 0


def test_a_batch_that_fails_by_itself_is_tried_again_one_by_one() -> None:
    runner = ScriptedRunner(encode_s=0.5)
    runner.poison = 63
    engine = make_engine(runner)
    for i, first in enumerate((20, 63, 21)):
        engine.submit(make_request(i, (first, 22)))
    events = run(engine)
    assert finished(events) == {0: [22, 20], 2: [22, 21]}
    assert [event.request_id for event in events if isinstance(event, Failed)] == [1]

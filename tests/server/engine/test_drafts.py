"""Rows guess ahead where it pays: what the engine asks for, and what it learns from."""

from collections.abc import Callable, Sequence

import pytest

from server.decoding.drafting import CopyDrafts
from server.decoding.greedy import Greedy
from server.decoding.strategy import DraftCount, Hypothesis, Outcome, Proposal
from server.engine import engine as engine_module
from server.engine.engine import Engine
from server.engine.request import Finished, Written
from server.engine.runner import DecodeBatch, LaneKey
from server.engine.step_costs import StepCosts
from server.types import DecodingOptions, FinishReason
from tests.server.engine.scripted import (
    LANES,
    SPECIAL,
    ScriptedRunner,
    finished,
    make_engine,
    make_request,
    run,
)
from tests.server.engine.scripted_model import make_source, said


def by_token(each_s: float) -> Callable[[int, int], float]:
    return lambda rows, tokens: 1 + each_s * rows * (tokens - 1)


def submit_drafting(engine: Engine, request_id: int, length: int, **changes: bool) -> None:
    source = make_source(request_id, length)
    engine.submit(make_request(request_id, source, drafter=CopyDrafts(source), **changes))


def widths(runner: ScriptedRunner, longest_source: int) -> list[int]:
    """How many tokens the widest row fed at each step of a lane."""
    return [
        max(len(proposal.token_ids) for proposal in batch.proposals)
        for batch in runner.decoded
        if batch.lane == LaneKey(longest_source, 1)
    ]


def test_drafts_save_steps_and_change_no_token() -> None:
    runner = ScriptedRunner(step_s=by_token(0.0))
    engine = make_engine(runner)
    submit_drafting(engine, 0, 16)
    (event,) = run(engine)
    assert isinstance(event, Finished)
    assert event.hypotheses[0].tokens == said(make_source(0, 16))
    assert event.steps == len(runner.decoded) < 8
    assert 0 < event.drafting.accepted < event.drafting.drafted


def test_no_row_drafts_more_than_the_engine_allows() -> None:
    runner = ScriptedRunner(step_s=by_token(0.0))
    engine = make_engine(runner, most_drafted=2)
    submit_drafting(engine, 0, 16)
    run(engine)
    assert max(widths(runner, 16)) == 3


def test_an_engine_that_may_not_draft_feeds_one_token_a_step() -> None:
    runner = ScriptedRunner(step_s=by_token(0.0))
    engine = make_engine(runner, most_drafted=0)
    submit_drafting(engine, 0, 16)
    assert finished(run(engine)) == {0: said(make_source(0, 16))}
    assert set(widths(runner, 16)) == {1}


def test_a_forced_beginning_is_fed_at_once() -> None:
    options = DecodingOptions(max_tokens=9, prefix_ids=(30, 31, 32))
    runner = ScriptedRunner(step_s=by_token(0.0))
    engine = make_engine(runner)
    engine.submit(make_request(0, strategy=Greedy(options, SPECIAL)))
    engine.step()
    assert runner.decoded[0].proposals[0].token_ids == [0, 30, 31, 32]


def test_drafts_are_planned_for_each_lane_by_what_its_own_steps_cost() -> None:
    dear, cheap = LANES[1:]

    class Unlike(ScriptedRunner):
        def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
            self.step_s = by_token(3.0 if batch.lane.longest_source == dear else 0.0)
            return super().decode(batch)

    runner = Unlike()
    engine = make_engine(runner)
    for i in range(0, 40, 2):
        submit_drafting(engine, i, dear)
        submit_drafting(engine, i + 1, cheap)
    run(engine)
    late_dear, late_cheap = widths(runner, dear)[-50:], widths(runner, cheap)[-50:]
    assert late_dear.count(1) > 40
    assert late_cheap.count(6) > 10


def test_the_costs_are_learnt_from_the_steps_that_were_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int, float]] = []

    class Noting(StepCosts):
        def observe(self, rows: int, tokens: int, seconds: float) -> None:
            seen.append((rows, tokens, seconds))
            super().observe(rows, tokens, seconds)

    monkeypatch.setattr(engine_module, "StepCosts", Noting)
    runner = ScriptedRunner(step_s=by_token(0.25))
    engine = make_engine(runner)
    submit_drafting(engine, 0, 16)
    submit_drafting(engine, 1, 16)
    run(engine)
    shapes = [
        (len(batch.proposals), max(len(proposal.token_ids) for proposal in batch.proposals))
        for batch in runner.decoded
    ]
    assert max(tokens for _, tokens in shapes) > 1
    assert seen == [(*shape, by_token(0.25)(*shape)) for shape in shapes]


def test_a_draft_that_was_kept_is_told_token_by_token() -> None:
    runner = ScriptedRunner(step_s=by_token(0.0))
    engine = make_engine(runner)
    submit_drafting(engine, 0, 16, wants_tokens=True)
    written = [
        token for event in run(engine) if isinstance(event, Written) for token in event.tokens
    ]
    assert written == said(make_source(0, 16))


class Wide:
    """Two summaries side by side that would like to guess, and end after three steps."""

    width = 2
    written: Sequence[int] = ()
    hypotheses = (Hypothesis([], FinishReason.STOP, 0.0),)

    def __init__(self) -> None:
        self.drafting = DraftCount()
        self.asked: list[int] = []

    def outlook(self, most: int) -> Sequence[float]:
        return [1.0] * most

    def propose(self, most_drafted: int) -> Proposal:
        self.asked.append(most_drafted)
        place = len(self.asked) - 1
        ancestors = [range(branch, 2 * place, 2) for branch in range(2)]
        return Proposal([0, 0], 2 * place, [place] * 2, [()] * 2, ancestors)

    def advance(self, outcome: Outcome) -> bool:
        return len(self.asked) == 3


def test_nothing_is_drafted_where_summaries_run_side_by_side() -> None:
    strategy = Wide()
    engine = make_engine(ScriptedRunner(step_s=by_token(0.0)))
    engine.submit(make_request(0, strategy=strategy))
    run(engine)
    assert strategy.asked == [0, 0, 0]

"""Steps that the runner took by itself change no summary, whatever they hold."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.manifest import SpecialTokens
from server.decoding.drafting import CopyDrafts
from server.decoding.greedy import Greedy
from server.decoding.strategy import Hypothesis, Outcome, StepAhead
from server.types import DecodingOptions, FinishReason
from tests.fakes.spelling import TINY_SPELLING
from tests.server.decoding.test_greedy import END, FORCED, Guesses, best, make_greedy, write
from tests.server.engine.scripted import proposed_outcome
from tests.server.engine.scripted_device import (
    Draft,
    ScriptedRow,
    copied_draft,
    no_draft,
    steps_ahead,
)
from tests.server.engine.scripted_model import END as SCRIPTED_END
from tests.server.engine.scripted_model import PAD

# Few words, so that rules against repetition and banned runs have something to forbid.
words = st.integers(8, 13)


def bad_draft(source: Sequence[int], looked_at: int) -> Sequence[int]:
    draw = random.Random(looked_at)  # noqa: S311 - no secret
    return [draw.choice([*source, SCRIPTED_END, 40]) for _ in range(3)]


def summary_of(
    source: tuple[int, ...], greedy: Greedy, ahead: Sequence[int], drafted: int, draft: Draft
) -> Sequence[Hypothesis]:
    """Writes a summary, with so many steps ahead of each proposed one in turn."""
    row = ScriptedRow(source)
    for steps in cycle(ahead):
        greedy.outlook(drafted)
        proposal = greedy.propose(drafted)
        outcome = proposed_outcome(row, proposal)
        if proposal.ahead is not None:
            following = steps_ahead(row, proposal, outcome, steps, draft)
            outcome = replace(outcome, following=following)
        if greedy.advance(outcome):
            return greedy.hypotheses
    raise AssertionError("not reached")


@settings(max_examples=200)
@given(
    source=st.lists(words, min_size=1, max_size=12).map(tuple),
    ahead=st.lists(st.integers(0, 8), min_size=1, max_size=4),
    drafted=st.integers(0, 4),
    drafts_itself=st.booleans(),
    draft=st.sampled_from([no_draft, copied_draft(1), copied_draft(4), bad_draft]),
    max_tokens=st.integers(1, 20),
    min_tokens=st.integers(0, 20),
    no_repeat_ngram_size=st.integers(0, 3),
    no_repeat_word_ngram_size=st.integers(0, 3),
    only_source_facts=st.booleans(),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.0, 1.5]),
    banned_runs=st.lists(st.lists(words, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple),
    prefix_ids=st.lists(words, max_size=3).map(tuple),
    forced=st.tuples(st.none() | words, st.sampled_from([None, SCRIPTED_END])),
)
def test_whatever_was_written_ahead_a_summary_is_what_it_is_step_by_step(
    source: tuple[int, ...],
    ahead: list[int],
    drafted: int,
    drafts_itself: bool,
    draft: Draft,
    max_tokens: int,
    min_tokens: int,
    no_repeat_ngram_size: int,
    no_repeat_word_ngram_size: int,
    only_source_facts: bool,
    repetition_penalty: float,
    banned_runs: tuple[tuple[int, ...], ...],
    prefix_ids: tuple[int, ...],
    forced: tuple[int | None, int | None],
) -> None:
    options = DecodingOptions(
        max_tokens=max_tokens,
        min_tokens=min(min_tokens, max_tokens),
        no_repeat_ngram_size=no_repeat_ngram_size,
        no_repeat_word_ngram_size=no_repeat_word_ngram_size,
        only_source_facts=only_source_facts,
        repetition_penalty=repetition_penalty,
        banned_runs=banned_runs,
        prefix_ids=prefix_ids,
    )
    special = SpecialTokens(
        pad_id=PAD,
        end_id=SCRIPTED_END,
        decoder_start_id=PAD,
        never_emitted_ids=(PAD,),
        forced_first_id=forced[0],
        forced_last_id=forced[1],
    )
    knows = {"spelling": TINY_SPELLING, "source_ids": source, "keeps_looks": True}
    plain = summary_of(source, Greedy(options, special, **knows), [0], 0, no_draft)
    drafter = CopyDrafts(source) if drafts_itself else None
    greedy = Greedy(options, special, drafter, **knows)
    assert len(plain[0].looks) == len(plain[0].tokens)
    assert summary_of(source, greedy, ahead, drafted, draft) == plain
    assert 0 <= greedy.drafting.accepted <= greedy.drafting.drafted


def step(first_slot: int, *fed_and_best: tuple[int, int]) -> StepAhead:
    """A step fed with the first of each pair, which finds the second likeliest after it."""
    fed = [token for token, _ in fed_and_best]
    return StepAhead(fed, first_slot, best(*(token for _, token in fed_and_best)))


def advance(greedy: Greedy, outcome: Outcome, *following: StepAhead) -> bool:
    greedy.propose(0)
    return greedy.advance(replace(outcome, following=following))


def test_steps_ahead_are_written_on_and_the_next_proposal_begins_after_them() -> None:
    greedy = make_greedy()
    assert not advance(greedy, best(7), step(1, (7, 8)), step(2, (8, 6)))
    assert greedy.written == [7, 8, 6]
    proposal = greedy.propose(0)
    assert (list(proposal.token_ids), proposal.first_slot) == ([6], 3)
    assert greedy.drafting.steps_followed == 2


def test_leave_is_given_for_what_is_left_to_write_with_what_is_never_written() -> None:
    greedy = make_greedy(max_tokens=4, banned_runs=((5,), (6, 7)))
    write(greedy, 3)
    ahead = greedy.propose(0).ahead
    assert ahead is not None
    assert (set(ahead.excluded_ids), ahead.most_tokens) == ({0, 2, 5}, 2)


def test_leave_is_given_for_the_last_token_too_so_that_it_keeps_nobody_from_going_on() -> None:
    greedy = make_greedy(max_tokens=2, special=replace(FORCED, forced_first_id=None))
    write(greedy, 3)
    ahead = greedy.propose(0).ahead
    assert ahead is not None
    assert ahead.most_tokens == 0


@pytest.mark.parametrize(
    ("greedy", "drafted"),
    [
        (make_greedy(repetition_penalty=1.2), 0),
        (make_greedy(prefix_ids=(7, 8)), 2),
    ],
    ids=["a repetition penalty", "a beginning that is fed with it"],
)
def test_no_leave_is_given_where_the_likeliest_word_is_not_what_comes_next(
    greedy: Greedy, drafted: int
) -> None:
    assert greedy.propose(drafted).ahead is None


def test_under_a_repetition_penalty_steps_that_nobody_gave_leave_for_are_not_believed() -> None:
    greedy = make_greedy(repetition_penalty=2.0)
    scores = np.arange(10.0, 0.0, -1.0)[
        None
    ]  # of the first words that may be written, 1 is the end
    scores[0, END] = 0.0
    advance(greedy, replace(best(3), scores=scores), step(1, (3, 8)))
    assert greedy.written == [3]


def test_a_step_that_began_in_another_slot_is_not_believed() -> None:
    greedy = make_greedy()
    advance(greedy, best(7), step(2, (7, 8)))
    assert greedy.written == [7]
    assert greedy.propose(0).first_slot == 1


def test_after_a_step_that_was_fed_something_else_nothing_more_is_believed() -> None:
    greedy = make_greedy()
    advance(greedy, best(7), step(1, (6, 8)), step(1, (7, 8)))
    assert greedy.written == [7]


def test_a_draft_of_the_devices_own_is_kept_while_it_is_right() -> None:
    greedy = make_greedy(guesses=Guesses(8, 9))
    advance(greedy, best(7), step(1, (7, 8), (8, 3), (4, 5)), step(3, (3, 6)))
    assert greedy.written == [7, 8, 3, 6]
    assert (greedy.drafting.drafted, greedy.drafting.accepted) == (2, 1)


def test_the_drafter_learns_from_a_devices_draft_only_where_it_would_have_guessed_so_too() -> None:
    guesses = Guesses(8)
    advance(make_greedy(guesses=guesses), best(7), step(1, (7, 8), (8, 3), (4, 5)))
    assert guesses.learnt == [(1, 1)]
    others = Guesses(6)
    advance(make_greedy(guesses=others), best(7), step(1, (7, 8), (8, 3), (4, 5)))
    assert others.learnt == [(0, 0)]


def test_the_drafter_hears_of_each_step_and_where_it_looked() -> None:
    guesses = Guesses()
    greedy = make_greedy(guesses=guesses)
    looking = replace(best(8), copy_indices=np.array([3]), copy_gates=np.array([0.75]))
    advance(greedy, best(7), StepAhead([7], 1, looking))
    assert guesses.told == [([7], None, None), ([8], 3, 0.75)]


def test_a_forbidden_word_gives_way_to_the_next_candidate_and_what_followed_it_is_dropped() -> None:
    greedy = make_greedy(no_repeat_ngram_size=1, length_penalty=0.0)
    # The runner-up of each is 5, at -3.
    advance(greedy, best(7), step(1, (7, 7)), step(2, (7, 8)))
    assert greedy.written == [7, 5]
    proposal = greedy.propose(0)
    assert (list(proposal.token_ids), proposal.first_slot) == ([5], 2)
    write(greedy, END)
    assert greedy.hypotheses[0].score == pytest.approx(-0.5 - 3.0 - 0.5)


def test_where_every_candidate_is_forbidden_the_next_proposal_asks_again_without_them() -> None:
    greedy = make_greedy(no_repeat_ngram_size=1)
    advance(greedy, best(5), step(1, (5, 5)), step(1, (5, 8)), step(2, (5, 8)))
    assert greedy.written[:1] == [5]
    greedy = make_greedy(no_repeat_ngram_size=1)
    advance(greedy, best(5), step(1, (5, 5)))
    assert greedy.written == [5]
    proposal = greedy.propose(0)
    assert (list(proposal.token_ids), proposal.first_slot) == ([5], 1)
    assert 5 in proposal.excluded_ids[0]
    assert greedy.drafting.steps_followed == 0


@pytest.mark.parametrize("log_prob", [np.nan, -np.inf, np.inf, -69.0])
def test_a_step_without_a_sure_number_is_asked_for_again(log_prob: float) -> None:
    greedy = make_greedy()
    unsure = Outcome(np.array([[8, 5]]), np.array([[log_prob, -70.0]]))
    advance(greedy, best(7), StepAhead([7], 1, unsure))
    assert greedy.written == [7]
    assert greedy.propose(0).first_slot == 1


def test_the_end_comes_no_sooner_than_it_may() -> None:
    greedy = make_greedy(min_tokens=2)
    assert not advance(greedy, best(7), step(1, (7, END)), step(2, (END, 8)))
    assert greedy.written == [7, 5]


@pytest.mark.parametrize(
    ("last", "reason"), [(END, FinishReason.STOP), (8, FinishReason.LENGTH)], ids=["end", "limit"]
)
def test_what_was_written_after_the_end_of_a_summary_is_thrown_away(
    last: int, reason: FinishReason
) -> None:
    greedy = make_greedy(max_tokens=2)
    assert advance(greedy, best(7), step(1, (7, last)), step(2, (last, 6)))
    assert (greedy.written, greedy.hypotheses[0].reason) == (
        [7] if last == END else [7, 8],
        reason,
    )
    assert greedy.drafting.steps_followed == 1


def test_a_forced_end_takes_the_last_place_in_a_step_ahead_too() -> None:
    greedy = make_greedy(max_tokens=2, special=replace(FORCED, forced_first_id=None))
    assert advance(greedy, best(7), step(1, (7, 8)))
    assert (greedy.written, greedy.hypotheses[0].reason) == ([7], FinishReason.LENGTH)


def test_a_guess_that_only_the_rules_make_right_is_fed_again() -> None:
    # The device took 7, which may not be repeated, and went on over the slot of the guess 5.
    greedy = make_greedy(no_repeat_ngram_size=1)
    advance(greedy, best(7), step(1, (7, 7), (5, 8)), step(2, (7, 8), (8, 8)))
    assert greedy.written == [7, 5]
    proposal = greedy.propose(0)
    assert (list(proposal.token_ids), proposal.first_slot) == ([5], 2)

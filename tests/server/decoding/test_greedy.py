"""What a greedy row proposes and writes, and when it ends."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bundle.manifest import SpecialTokens
from server.decoding.greedy import Greedy
from server.decoding.strategy import Outcome
from server.errors import InvalidRequest
from server.types import DecodingOptions, FinishReason

END = 1
START = 9
SPECIAL = SpecialTokens(pad_id=0, end_id=END, decoder_start_id=START, never_emitted_ids=(0, 2))
FORCED = replace(SPECIAL, forced_first_id=6, forced_last_id=END)


class Guesses:
    """Always guesses the same tokens, and remembers what it was told."""

    def __init__(self, *tokens: int) -> None:
        self._tokens = tokens
        self.told: list[tuple[list[int], int | None, float | None]] = []
        self.learnt: list[tuple[int, int]] = []

    def extend(self, tokens: Sequence[int], looked_at: int | None, gate: float | None) -> None:
        self.told.append((list(tokens), looked_at, gate))

    def draft(self, most: int) -> Sequence[int]:
        return self._tokens[:most]

    def chances(self, count: int) -> Sequence[float]:
        return [0.5**place for place in range(1, count + 1)]

    def learn(self, drafted: int, accepted: int) -> None:
        self.learnt.append((drafted, accepted))


def make_greedy(
    *, special: SpecialTokens = SPECIAL, guesses: Guesses | None = None, **options: object
) -> Greedy:
    return Greedy(DecodingOptions(**{"max_tokens": 10, **options}), special, guesses)


def best(*tokens: int) -> Outcome:
    """What is likeliest after each of the proposed tokens."""
    ids = np.array([(token, 5) for token in tokens])
    return Outcome(ids, np.array([(-0.5, -3.0)] * len(tokens)))


def write(greedy: Greedy, *tokens: int) -> list[bool]:
    """Writes token by token, without a draft."""
    ended = []
    for token in tokens:
        greedy.propose(0)
        ended.append(greedy.advance(best(token)))
    return ended


def test_it_feeds_the_start_token_and_then_what_it_wrote() -> None:
    greedy = make_greedy()
    first = greedy.propose(0)
    greedy.advance(best(7))
    second = greedy.propose(0)
    assert (list(first.token_ids), first.first_slot, list(first.places)) == ([START], 0, [0])
    assert (list(second.token_ids), second.first_slot, list(second.places)) == ([7], 1, [1])


def test_the_end_token_ends_it_and_counts_in_the_score_but_is_not_part_of_the_summary() -> None:
    greedy = make_greedy(length_penalty=1.0)
    assert write(greedy, 7, 8, END) == [False, False, True]
    (hypothesis,) = greedy.hypotheses
    assert (hypothesis.tokens, hypothesis.reason) == ([7, 8], FinishReason.STOP)
    assert hypothesis.score == pytest.approx(-1.5 / 3)


def test_the_limit_ends_it_with_another_reason() -> None:
    greedy = make_greedy(max_tokens=2)
    assert write(greedy, 7, 8) == [False, True]
    assert greedy.hypotheses[0].reason is FinishReason.LENGTH
    assert greedy.hypotheses[0].score == pytest.approx(-1.0 / 2)


def test_the_end_token_is_excluded_until_the_least_number_is_written() -> None:
    greedy = make_greedy(min_tokens=1)
    assert END in greedy.propose(0).excluded_ids[0]
    greedy.advance(best(7))
    assert END not in greedy.propose(0).excluded_ids[0]


def test_tokens_that_are_never_emitted_are_always_excluded() -> None:
    assert {0, 2} <= set(make_greedy().propose(0).excluded_ids[0])


def test_what_would_repeat_an_ngram_is_excluded() -> None:
    greedy = make_greedy(no_repeat_ngram_size=2)
    write(greedy, 7, 8, 7)
    assert 8 in greedy.propose(0).excluded_ids[0]


def test_the_start_token_counts_as_written_for_the_ngram_rule() -> None:
    greedy = make_greedy(no_repeat_ngram_size=2)
    write(greedy, 7, START)
    assert 7 in greedy.propose(0).excluded_ids[0]


def test_rules_that_leave_nothing_to_write_are_the_requests_fault() -> None:
    greedy = make_greedy()
    greedy.propose(0)
    with pytest.raises(InvalidRequest):
        greedy.advance(Outcome(np.array([[2, 0]]), np.array([[-69.0, -69.0]])))


def test_a_forced_beginning_is_written_at_once_and_fed_together() -> None:
    greedy = make_greedy(special=FORCED, prefix_ids=(7, 8))
    assert greedy.written == [6, 7, 8]
    assert greedy.outlook(5) == [1.0, 1.0, 1.0]
    proposal = greedy.propose(3)
    assert list(proposal.token_ids) == [START, 6, 7, 8]
    greedy.advance(best(5, 5, 5, 4))
    assert greedy.written == [6, 7, 8, 4]
    assert greedy.propose(0).first_slot == 4


def test_a_forced_beginning_may_be_fed_in_parts_and_nothing_is_written_meanwhile() -> None:
    greedy = make_greedy(special=FORCED, prefix_ids=(7, 8))
    assert list(greedy.propose(1).token_ids) == [START, 6]
    assert not greedy.advance(best(5, 5))
    assert greedy.written == [6, 7, 8]
    assert greedy.outlook(5) == [1.0]
    proposal = greedy.propose(1)
    assert (list(proposal.token_ids), proposal.first_slot) == ([7, 8], 2)


def test_a_forced_beginning_adds_nothing_to_the_score_but_counts_in_its_length() -> None:
    greedy = make_greedy(special=FORCED, prefix_ids=(7,))
    greedy.propose(2)
    greedy.advance(best(5, 5, END))
    assert greedy.hypotheses[0].score == pytest.approx(-0.5 / 3)


def test_a_forced_beginning_that_fills_the_summary_still_takes_a_step() -> None:
    greedy = make_greedy(prefix_ids=(7, 8), max_tokens=2)
    assert greedy.written == [7]
    greedy.propose(1)
    assert greedy.advance(best(5, END))
    assert (greedy.written, greedy.hypotheses[0].reason) == ([7, 8], FinishReason.LENGTH)


def test_a_forced_end_takes_the_last_place_and_the_reason_stays_the_limit() -> None:
    greedy = make_greedy(max_tokens=3, special=FORCED)
    greedy.propose(1)
    assert not greedy.advance(best(5, 7))
    assert write(greedy, 8) == [True]
    (hypothesis,) = greedy.hypotheses
    assert (hypothesis.tokens, hypothesis.reason) == ([6, 7], FinishReason.LENGTH)
    assert hypothesis.score == pytest.approx(-0.5 / 3)


def test_an_end_that_the_model_itself_puts_in_the_last_place_is_its_own() -> None:
    greedy = make_greedy(max_tokens=2, special=FORCED)
    greedy.propose(1)
    assert greedy.advance(best(5, END))
    assert greedy.hypotheses[0].reason is FinishReason.STOP


def test_guesses_are_proposed_after_what_was_written_and_kept_while_they_are_right() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4, 5))
    assert greedy.outlook(3) == [0.5, 0.25, 0.125]
    proposal = greedy.propose(3)
    assert list(proposal.token_ids) == [START, 3, 4, 5]
    assert list(proposal.places) == [0, 1, 2, 3]
    greedy.advance(best(3, 4, 8, 7))
    assert greedy.written == [3, 4, 8]
    assert (greedy.drafting.drafted, greedy.drafting.accepted) == (3, 2)


def test_the_slot_of_a_wrong_guess_is_used_again() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4))
    greedy.propose(2)
    greedy.advance(best(3, 8, 7))
    proposal = greedy.propose(0)
    assert (list(proposal.token_ids), proposal.first_slot) == ([8], 2)


def test_fewer_guesses_may_be_proposed_than_were_looked_out_for() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4, 5))
    greedy.outlook(3)
    proposal = greedy.propose(1)
    assert list(proposal.token_ids) == [START, 3]
    assert len(proposal.excluded_ids) == 2


def test_more_guesses_may_be_proposed_than_were_looked_out_for() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4, 5))
    greedy.outlook(1)
    assert list(greedy.propose(2).token_ids) == [START, 3, 4]


def test_guesses_follow_a_forced_beginning_in_the_same_step() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4), prefix_ids=(7,))
    assert greedy.outlook(3) == [1.0, 0.5, 0.25]
    assert list(greedy.propose(3).token_ids) == [START, 7, 3, 4]
    greedy.advance(best(5, 3, 8, 8))
    assert greedy.written == [7, 3, 8]
    assert (greedy.drafting.drafted, greedy.drafting.accepted) == (2, 1)


def test_guesses_leave_room_for_the_token_that_follows_them() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4, 5, 6), max_tokens=3)
    assert len(greedy.propose(4).token_ids) == 3


def test_a_guess_of_the_end_is_not_proposed() -> None:
    greedy = make_greedy(guesses=Guesses(3, END, 4))
    assert list(greedy.propose(3).token_ids) == [START, 3]


def test_a_guess_that_the_rules_forbid_is_not_proposed_nor_what_comes_after_it() -> None:
    greedy = make_greedy(guesses=Guesses(3, 2, 4))
    assert list(greedy.propose(3).token_ids) == [START, 3]


def test_the_rules_after_a_guess_take_it_as_written() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4, 3, 4), no_repeat_ngram_size=2, min_tokens=2)
    proposal = greedy.propose(4)
    assert list(proposal.token_ids) == [START, 3, 4, 3]
    assert 4 in proposal.excluded_ids[3]
    assert [END in excluded for excluded in proposal.excluded_ids] == [True, True, False, False]


def test_a_wrong_guess_leaves_no_trace_in_the_rules() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4), no_repeat_ngram_size=2)
    greedy.propose(2)
    greedy.advance(best(8, 8, 8))
    write(greedy, 3)
    assert 4 not in greedy.propose(0).excluded_ids[0]


def test_the_end_among_the_guesses_that_were_right_is_found() -> None:
    greedy = make_greedy(guesses=Guesses(3, 4))
    greedy.propose(2)
    assert greedy.advance(best(3, END, 8))
    assert greedy.written == [3]
    assert (greedy.drafting.drafted, greedy.drafting.accepted) == (2, 1)


def test_the_drafter_hears_what_was_written_and_where_the_last_of_it_was_copied_from() -> None:
    guesses = Guesses(3, 4)
    greedy = make_greedy(guesses=guesses)
    greedy.propose(2)
    copied = replace(
        best(3, 8, 7), copy_indices=np.array([4, 5, 6]), copy_gates=np.array([0.5] * 3)
    )
    greedy.advance(copied)
    assert guesses.told == [([3, 8], 5, 0.5)]
    assert guesses.learnt == [(2, 1)]


def test_a_repetition_penalty_chooses_by_the_penalised_scores_of_the_whole_vocabulary() -> None:
    greedy = make_greedy(repetition_penalty=2.0)
    scores = np.array([[9.0, 0.0, 9.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 2.5]])
    for _ in range(2):
        assert greedy.propose(0).wants_scores
        greedy.advance(Outcome(np.array([[0]]), np.array([[-0.1]]), scores=scores))
    # 0 and 2 are never emitted; 3 is penalised once it is written, 9 from the start.
    assert greedy.written == [3, 4]

"""What a greedy row may write, and when it ends."""

from dataclasses import replace

from bundle.manifest import SpecialTokens
from server.decoding.greedy import Greedy
from server.decoding.strategy import Candidates
from server.types import DecodingOptions, FinishReason

END = 1
SPECIAL = SpecialTokens(pad_id=0, end_id=END, decoder_start_id=9, never_emitted_ids=(0, 2))


def make_greedy(
    *, max_tokens: int = 10, min_tokens: int = 0, ngram: int = 0, special: SpecialTokens = SPECIAL
) -> Greedy:
    options = DecodingOptions(
        max_tokens=max_tokens, min_tokens=min_tokens, no_repeat_ngram_size=ngram
    )
    return Greedy(options, special)


def best(token: int) -> Candidates:
    return Candidates((token, 5), (-0.1, -3.0))


def test_it_begins_with_the_start_token_at_position_0_and_feeds_back_what_it_wrote() -> None:
    greedy = make_greedy()
    assert (greedy.input_token, greedy.position) == (9, 0)
    greedy.advance(best(7))
    assert (greedy.input_token, greedy.position) == (7, 1)


def test_the_end_token_ends_it_and_is_not_part_of_the_summary() -> None:
    greedy = make_greedy()
    greedy.advance(best(7))
    assert greedy.advance(best(END)) is FinishReason.STOP
    assert greedy.tokens == [7]


def test_the_limit_ends_it_with_another_reason() -> None:
    greedy = make_greedy(max_tokens=2)
    assert greedy.advance(best(7)) is None
    assert greedy.advance(best(8)) is FinishReason.LENGTH


def test_the_end_token_is_excluded_until_the_least_number_is_written() -> None:
    greedy = make_greedy(min_tokens=1)
    assert END in greedy.excluded_ids()
    greedy.advance(best(7))
    assert END not in greedy.excluded_ids()


def test_tokens_that_are_never_emitted_are_always_excluded() -> None:
    assert {0, 2} <= set(make_greedy().excluded_ids())


def test_what_would_repeat_an_ngram_is_excluded() -> None:
    greedy = make_greedy(ngram=2)
    for token in (7, 8, 7):
        greedy.advance(best(token))
    assert 8 in greedy.excluded_ids()


FORCED = replace(SPECIAL, forced_first_id=6, forced_last_id=END)


def test_a_forced_first_token_is_written_whatever_is_best() -> None:
    greedy = make_greedy(special=FORCED)
    assert greedy.advance(best(END)) is None
    assert greedy.tokens == [6]
    assert (greedy.input_token, greedy.position) == (6, 1)


def test_a_forced_end_takes_the_last_place_and_the_reason_stays_the_limit() -> None:
    greedy = make_greedy(max_tokens=3, special=FORCED)
    assert [greedy.advance(best(7)) for _ in range(3)] == [None, None, FinishReason.LENGTH]
    assert greedy.tokens == [6, 7]


def test_an_end_that_the_model_itself_puts_in_the_last_place_is_its_own() -> None:
    greedy = make_greedy(max_tokens=2, special=FORCED)
    greedy.advance(best(7))
    assert greedy.advance(best(END)) is FinishReason.STOP


def test_the_start_token_counts_as_written_for_the_ngram_rule() -> None:
    greedy = make_greedy(ngram=2)
    greedy.advance(best(7))
    greedy.advance(best(9))  # the start token again
    assert 7 in greedy.excluded_ids()

"""The fast n-gram rule against the oracle's plain one."""

from hypothesis import given
from hypothesis import strategies as st

from model.constraints import repeating_ids
from server.decoding.ngrams import NoRepeatNgrams

# Few different tokens, so that repetition is the rule.
token_lists = st.lists(st.integers(0, 3), max_size=40)


@given(token_lists, st.integers(0, 5))
def test_the_forbidden_tokens_are_those_of_the_oracle(tokens: list[int], size: int) -> None:
    ngrams = NoRepeatNgrams(size)
    for count, token in enumerate(tokens):
        assert set(ngrams.forbidden()) == repeating_ids(tokens[:count], size)
        ngrams.push(token)
    assert set(ngrams.forbidden()) == repeating_ids(tokens, size)


@given(token_lists, token_lists, st.integers(0, 5))
def test_looking_ahead_counts_guesses_as_written_and_changes_nothing(
    tokens: list[int], guesses: list[int], size: int
) -> None:
    ngrams = NoRepeatNgrams(size)
    for token in tokens:
        ngrams.push(token)
    ahead = ngrams.look_ahead()
    for count, guess in enumerate(guesses):
        assert set(ahead.forbidden()) == repeating_ids([*tokens, *guesses[:count]], size)
        ahead.push(guess)
    assert set(ngrams.forbidden()) == repeating_ids(tokens, size)

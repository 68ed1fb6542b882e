"""The fast n-gram rule against the oracle's plain one."""

from hypothesis import given
from hypothesis import strategies as st

from model.decoding.repetition import repeating_ids
from server.decoding.ngrams import NoRepeatNgrams

# Few different tokens, so that repetition is the rule.
token_lists = st.lists(st.integers(0, 3), max_size=40)


@given(token_lists, st.integers(1, 5))
def test_the_forbidden_tokens_are_those_of_the_oracle(tokens: list[int], size: int) -> None:
    ngrams = NoRepeatNgrams(size)
    for count, token in enumerate(tokens):
        assert set(ngrams.forbidden()) == repeating_ids(tokens[:count], size)
        ngrams.push(token)
    assert set(ngrams.forbidden()) == repeating_ids(tokens, size)


@given(token_lists, token_lists, st.integers(1, 5))
def test_a_copy_goes_on_by_itself(tokens: list[int], guesses: list[int], size: int) -> None:
    ngrams = NoRepeatNgrams(size)
    for token in tokens:
        ngrams.push(token)
    copy = ngrams.copy()
    for count, guess in enumerate(guesses):
        assert set(copy.forbidden()) == repeating_ids([*tokens, *guesses[:count]], size)
        copy.push(guess)
    assert set(ngrams.forbidden()) == repeating_ids(tokens, size)

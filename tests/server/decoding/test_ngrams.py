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

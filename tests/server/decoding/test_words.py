"""The rule about whole words: what it forbids, and the fast form against the oracle's plain one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bundle import BundleTokenizer
from model.repetition import repeating_word_ids
from server.decoding.words import NoRepeatWords
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.fakes.spelling import SPELLING, TEXTS

TOKENIZER = BundleTokenizer(DEFAULT_BUNDLE / "tokenizer.json")

all_tokens = st.integers(0, len(TEXTS))  # one more than there are
# A few of them at a time, so that repetition is the rule.
token_lists = st.lists(all_tokens, min_size=1, max_size=4).flatmap(
    lambda few: st.lists(st.sampled_from(few), max_size=30)
)


@settings(max_examples=400)
@given(token_lists, st.integers(1, 4))
def test_the_forbidden_tokens_are_those_of_the_oracle(tokens: list[int], size: int) -> None:
    words = NoRepeatWords(size, SPELLING)
    for count, token in enumerate(tokens):
        assert set(words.forbidden()) == repeating_word_ids(tokens[:count], size, SPELLING)
        words.push(token)
    assert set(words.forbidden()) == repeating_word_ids(tokens, size, SPELLING)


@given(token_lists, token_lists, st.integers(1, 4))
def test_a_copy_goes_on_by_itself(tokens: list[int], more: list[int], size: int) -> None:
    words = NoRepeatWords(size, SPELLING)
    for token in tokens:
        words.push(token)
    copy = words.copy()
    for count, token in enumerate(more):
        expected = repeating_word_ids([*tokens, *more[:count]], size, SPELLING)
        assert set(copy.forbidden()) == expected
        copy.push(token)
    assert set(words.forbidden()) == repeating_word_ids(tokens, size, SPELLING)

"""The rule about whole words: what it forbids, and the fast form against the oracle's plain one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle import BundleTokenizer
from bundle.spelling import Spelling
from model.decoding.repetition import repeating_word_ids
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


def ids(text: str) -> list[int]:
    return TOKENIZER.encode(text)


def forbidden_texts(written: str, size: int = 3) -> set[str]:
    """What may not follow a text, as the default model's tokens spell it."""
    words = NoRepeatWords(size, TOKENIZER.spelling)
    for token in ids(written):
        words.push(token)
    return {TOKENIZER.spelling.text(token).decode() for token in words.forbidden()}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("the red house and the red", {" house"}),
        ("the red house and the", set()),
        ("The red house. (the RED", {" house"}),
        ("the red house, and the red, ", {" house"}),
        ("the re", set()),
        ("1 2 3 4 and 1 2", {" 3"}),
    ],
)
def test_the_word_that_would_complete_a_run_may_not_begin(written: str, expected: set[str]) -> None:
    assert forbidden_texts(written) == expected


def test_inside_a_word_nothing_is_forbidden() -> None:
    written = ids(" for the Palestinian people, for the Palestinian people")
    words = NoRepeatWords(3, TOKENIZER.spelling)
    for token in written:
        if not TOKENIZER.spelling.text(token).startswith(b" "):
            assert token not in words.forbidden()
        words.push(token)
    assert len(written) > 10, "some words are spelled with several tokens"


@pytest.mark.parametrize("number", ["5.1%", "2024", "-3", "$1,000"])
def test_a_number_may_come_again(number: str) -> None:
    written = f"it rose by {number} and, they say, it rose by"
    assert not forbidden_texts(written)
    assert forbidden_texts(f"{written} {number}") == {" and"}


def test_five_han_characters_may_not_come_again_however_they_are_spelled() -> None:
    forbidden = forbidden_texts("实际增长率。实际增长")
    assert "率" in forbidden
    assert all(text.startswith("率") for text in forbidden)
    two_at_once = forbidden_texts("这个大模型。这个大")
    assert "模型" in two_at_once
    assert all(text.startswith("模型") for text in two_at_once)
    assert not forbidden_texts("这个大模型。这个")


def test_a_han_character_and_words_make_runs_together() -> None:
    assert forbidden_texts("采用GPT模型。采用GPT") >= {"模型"}
    assert not forbidden_texts("采用GPT模型。GPT")


def test_a_word_that_begins_with_half_a_character_is_never_forbidden() -> None:
    texts = [b" a", b" b", b" \xc3", b"\xa9"]
    words = NoRepeatWords(3, Spelling(len(texts), texts.__getitem__))
    for token in [0, 1, 2, 3, 0, 1]:
        words.push(token)
    assert not words.forbidden()

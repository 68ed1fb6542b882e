"""What tokens add to a text: together, what the tokenizer decodes."""

import pytest

from bundle import BundleTokenizer
from bundle.spelling import Spelling
from tests.bundle.conftest import DEFAULT_BUNDLE

TEXTS = ["A résumé, naïve; 5.1% of 机器学习模型, and e.g. 😀 “quoted” \u2581 text.", "Plain."]
DEFAULT = BundleTokenizer(DEFAULT_BUNDLE / "tokenizer.json")


def spelling_of(*texts: str) -> Spelling:
    return Spelling(len(texts), [text.encode() for text in texts].__getitem__)


@pytest.mark.parametrize("text", TEXTS)
def test_the_texts_of_tokens_make_the_text(text: str) -> None:
    spelled = b"".join(map(DEFAULT.spelling.text, DEFAULT.encode(text)))
    assert spelled.decode() == text


def test_special_tokens_and_ids_beyond_the_vocabulary_add_nothing() -> None:
    assert DEFAULT.spelling.text(1) == DEFAULT.spelling.text(DEFAULT.vocab_size) == b""


def test_tokens_are_found_by_the_han_characters_that_they_begin_with() -> None:
    spelling = spelling_of("", " a", "中", "中国", " 中国", "，中", "a中", "国", "\ufffd国")
    assert spelling.beginning_with("中") == [2, 3, 4, 5]
    assert spelling.beginning_with("中国") == [3, 4]
    assert spelling.beginning_with("人") == ()
    assert spelling.most_han == 2


def test_ordinary_words_are_those_in_small_letters_that_are_one_token_after_a_space() -> None:
    spelling = spelling_of(" three", " Paris", "house", " 5th", " don't", " été", "", " ", " (a")
    assert spelling.ordinary.words == {"Three", "Été"}
    assert list(spelling.ordinary.beginnings.after("")) == [
        *("T", "Th", "Thr", "Thre", "Three"),
        *("É", "Ét", "Été"),
    ]
    assert list(spelling.ordinary.beginnings.after("Thr")) == ["", "e", "ee"]
    assert list(spelling.ordinary.beginnings.after("three")) == []


def test_a_text_is_what_its_tokens_add_and_half_a_character_is_replaced() -> None:
    spelling = Spelling(3, [b" a", b"\xe4\xb8", b"\xad"].__getitem__)
    assert spelling.text_of([0, 1, 2, 0, 1]) == " a中 a\ufffd"


def test_a_gap_or_a_han_character_ends_a_word_and_letters_or_punctuation_do_not() -> None:
    spelling = spelling_of(" a", "中", "，a", "\n", "a", ",", "-a", "")
    ending = [token for token in range(8) if spelling.ends_a_word(token)]
    assert ending == [0, 1, 2, 3]

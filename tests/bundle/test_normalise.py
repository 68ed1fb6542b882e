"""Text is brought into the form the network was trained on."""

import itertools
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.normalise import normalise, normalised

# Plain text() seldom draws white space, which is what this is about.
WHITE_SPACE = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u2002\u2028\u2029\u3000"
TEXT = st.text(st.one_of(st.sampled_from(WHITE_SPACE), st.characters()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two  spaces\t\tand tabs", "two spaces and tabs"),
        ("表意\u3000\u3000空格", "表意 空格"),
        ("one line \n  another", "one line another"),
        ("one paragraph\r\n \r\n\tanother", "one paragraph another"),
        ("no-break\xa0space stays", "no-break\xa0space stays"),
        ("no-break space at a line's end\xa0\ngoes", "no-break space at a line's end goes"),
        ("  both ends\n", "both ends"),
        ("cafe\u0301", "caf\xe9"),
        ("\u3000\n\t ", ""),
        ("", ""),
    ],
)
def test_white_space_and_composition_follow_the_training_text(text: str, expected: str) -> None:
    assert normalise(text) == expected


@settings(deadline=None)
@given(TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@settings(deadline=None)
@given(TEXT)
def test_no_line_break_is_left(text: str) -> None:
    assert len(normalise(text).splitlines()) <= 1


@settings(deadline=None)
@given(TEXT)
def test_the_result_is_composed_and_has_no_white_space_at_its_ends(text: str) -> None:
    result = normalise(text)
    assert unicodedata.is_normalized("NFC", result)
    assert result == result.strip()


def seen(text: str) -> str:
    """A text's characters without white space and the controls of ASCII."""
    return "".join(c for c in text if not c.isspace() and not (c < " " or c == "\x7f"))


@settings(deadline=None)
@given(TEXT)
def test_nothing_but_white_space_and_what_cannot_be_seen_is_lost(text: str) -> None:
    assert seen(normalise(text)) == seen(unicodedata.normalize("NFC", text.replace("\ufeff", "")))


@settings(deadline=None)
@given(TEXT)
def test_no_two_plain_spaces_meet(text: str) -> None:
    result = normalise(text)
    assert "  " not in result
    assert not set("\t\u3000") & set(result)


def test_byte_order_marks_go_and_control_characters_count_as_spaces() -> None:
    assert normalise("\ufeffone\x00two\x07 \x1b three\ufeff") == "one two three"


# Marks that change places, letters that they compose with, and syllables made of three letters.
COMPOSING = "eo\xe9\u0301\u0316\u0323\u0344\u0f71\u0f73\u1100\u1161\u11a8\uac00\u09c7\u09be\u0958"
HARD_TEXT = st.text(
    st.one_of(
        st.sampled_from(COMPOSING), st.sampled_from(WHITE_SPACE + "\ufeff\x00"), st.characters()
    )
)


@settings(deadline=None, max_examples=500)
@given(HARD_TEXT)
def test_the_text_that_knows_its_origin_is_the_normalised_text(text: str) -> None:
    assert normalised(text).text == normalise(text)


@settings(deadline=None, max_examples=500)
@given(HARD_TEXT)
def test_where_a_word_came_from_stands_what_becomes_that_word(text: str) -> None:
    found = normalised(text)
    words = [match.span() for match in re.finditer(r"\S+", found.text)]
    for first, last in itertools.combinations_with_replacement(words, 2):
        start, end = found.origin(first[0], last[1])
        assert normalise(text[start:end]) == found.text[first[0] : last[1]]


@settings(deadline=None, max_examples=500)
@given(HARD_TEXT)
def test_characters_come_from_stretches_in_order(text: str) -> None:
    found = normalised(text)
    stretches = [found.origin(place, place + 1) for place in range(len(found.text))]
    assert all(0 <= start < end <= len(text) for start, end in stretches)
    assert stretches == sorted(stretches)


@pytest.mark.parametrize(
    ("text", "word", "origin"),
    [
        ("a cafe\u0301 \U0001f600!", "caf\xe9", "cafe\u0301"),
        ("a cafe\u0301 \U0001f600!", "\U0001f600!", "\U0001f600!"),
        ("\ufeff one\r\n\r\n  two\tthree ", "one two", "one\r\n\r\n  two"),
        ("\ufeffwo\ufeffrd\ufeff", "word", "wo\ufeffrd"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "\uae00", "\u1100\u1173\u11af"),
    ],
)
def test_a_word_leads_back_to_what_it_was_made_of(text: str, word: str, origin: str) -> None:
    found = normalised(text)
    start = found.text.index(word)
    begin, stop = found.origin(start, start + len(word))
    assert text[begin:stop] == origin
    assert found.image(begin, stop) == (start, start + len(word))

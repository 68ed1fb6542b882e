"""Text is brought into the form the network was trained on."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.normalise import normalise

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

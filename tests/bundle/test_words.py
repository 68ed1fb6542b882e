"""How text divides into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.words import Kind, bare, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(U.S.", "u.s"),
        ("5.1%", "5.1"),
        ("“State-of-the-art”,", "state-of-the-art"),
        ("—", ""),
        ("...", ""),
        ("Straße", "strasse"),
        ("की", "की"),  # its last mark is part of it
    ],
)
def test_a_word_loses_its_case_and_the_punctuation_around_it(text: str, expected: str) -> None:
    assert bare(text) == expected


def test_white_space_east_asian_punctuation_and_han_characters_divide() -> None:
    assert segments("GPT-4模型，约5.1%。 (ok)") == (
        (Kind.OTHER, "GPT-4"),
        (Kind.HAN, "模型"),
        (Kind.GAP, "，"),
        (Kind.HAN, "约"),
        (Kind.OTHER, "5.1%"),
        (Kind.GAP, "。 "),
        (Kind.OTHER, "(ok)"),
    )


@given(st.text())
def test_nothing_of_a_text_is_left_out(text: str) -> None:
    assert "".join(stretch for _, stretch in segments(text)) == text

"""Options that no server takes: each is named with its value and the limit."""

import math
from typing import Any

import pytest

from server.errors import InvalidRequest, Violation
from server.text.validate import check
from tests.server.factories import make_model, make_request

INVALID_OPTIONS: list[tuple[str, Any]] = [
    ("max_tokens", 0),
    ("max_tokens", -1),
    ("min_tokens", -1),
    ("num_beams", 0),
    ("num_beams", 17),
    ("temperature", -0.1),
    ("temperature", 5.1),
    ("temperature", math.nan),
    ("temperature", math.inf),
    ("top_k", -1),
    ("top_p", 0.0),
    ("top_p", 1.01),
    ("top_p", math.nan),
    ("length_penalty", -10.5),
    ("length_penalty", 10.5),
    ("length_penalty", -math.inf),
    ("repetition_penalty", 0.0),
    ("repetition_penalty", 10.5),
    ("repetition_penalty", math.nan),
    ("no_repeat_ngram_size", -1),
    ("no_repeat_ngram_size", 17),
    ("no_repeat_word_ngram_size", -1),
    ("no_repeat_word_ngram_size", 17),
    ("num_summaries", 0),
    ("num_summaries", 17),
    ("min_p", -0.1),
    ("min_p", 1.1),
    ("min_p", math.nan),
]
INVALID_TEXTS: list[tuple[dict[str, Any], str, str]] = [
    ({"prefix": "p" * 4097}, "prefix", "has 4097 characters, at most 4096 are served"),
    ({"banned_phrases": ["a"] * 129}, "banned_phrases", "are 129, at most 128 are served"),
    ({"banned_phrases": ["a", " \t"]}, "banned_phrases[1]", "is empty or blank"),
    (
        {"banned_phrases": ["a" * 257]},
        "banned_phrases[0]",
        "has 257 characters, at most 256 are served",
    ),
]


def violations(document: str = "Text.", **options: Any) -> list[Violation]:
    with pytest.raises(InvalidRequest) as caught:
        check(make_request(document, **options), make_model(), len(document))
    return list(caught.value.violations)


@pytest.mark.parametrize(("options", "field", "problem"), INVALID_TEXTS)
def test_a_text_among_the_options_that_is_too_long_or_blank_is_refused(
    options: dict[str, Any], field: str, problem: str
) -> None:
    assert violations(**options) == [Violation(f"options.{field}", problem)]


@pytest.mark.parametrize(("name", "value"), INVALID_OPTIONS)
def test_an_option_out_of_range_is_refused_once_with_value_and_range(name: str, value: Any) -> None:
    (violation,) = violations(**{name: value})
    assert violation.field == f"options.{name}"
    assert violation.description.startswith(f"is {value:g}, must be ")


def test_a_refused_number_is_told_to_the_digit() -> None:
    (violation,) = violations(top_k=-12_345_678)
    assert violation.description == "is -12345678, must be 0 or more"


def test_all_options_that_are_wrong_are_named_at_once() -> None:
    found = violations(" ", max_tokens=0, temperature=math.nan, top_p=2.0)
    assert [violation.field for violation in found] == [
        "document",
        "options.max_tokens",
        "options.temperature",
        "options.top_p",
    ]

"""Which decoding options can stand together, and what takes the place of those not said."""

from dataclasses import field, fields, make_dataclass, replace
from math import nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.manifest import DecodingDefaults
from server.text.options import fill_in, find_option_violations
from server.types import DecodingOptions, RequestedOptions
from tests.server.factories import make_model

MODEL = make_model()
STYLE = MODEL.manifest.styles[0]


def violations(**options: Any) -> dict[str, str]:
    requested = RequestedOptions(**options)
    filled = fill_in(requested, STYLE, MODEL.max_summary_tokens)
    return {
        violation.field.removeprefix("options."): violation.description
        for violation in find_option_violations(requested, filled, MODEL)
    }


IMPOSSIBLE: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {"num_beams": 4, "temperature": 0.7},
        {"temperature": "is 0.7, but options.num_beams is 4, and beam search does not sample"},
    ),
    (
        {"num_beams": 2, "seed": 0, "top_k": 5, "top_p": 0.5, "min_p": 0.1},
        {
            name: f"is {value}, but options.num_beams is 2, and beam search does not sample"
            for name, value in (("seed", 0), ("top_k", 5), ("top_p", 0.5), ("min_p", 0.1))
        },
    ),
    (
        {"seed": 7, "top_k": 5, "top_p": 0.5, "min_p": 0.1, "temperature": 0.0},
        {
            name: f"is {value}, but options.temperature is 0, and nothing is sampled: "
            "set it above 0"
            for name, value in (("seed", 7), ("top_k", 5), ("top_p", 0.5), ("min_p", 0.1))
        },
    ),
    (
        {"early_stopping": True},
        {"early_stopping": "is true, but options.num_beams is 1, and there are no beams to stop"},
    ),
    (
        {"length_penalty": 0.5},
        {
            "length_penalty": "is 0.5, but options.num_beams is 1 and options.temperature is 0, "
            "so no summaries are compared"
        },
    ),
    (
        {"length_penalty": 2.0, "temperature": 1.0},
        {
            "length_penalty": "is 2, but options.num_beams is 1 and options.num_summaries is 1, "
            "so no summaries are compared"
        },
    ),
    (
        {"num_summaries": 3},
        {
            "num_summaries": "is 3, but options.num_beams is 1 and options.temperature is 0, "
            "which gives one summary: set num_beams to as many, or temperature above 0"
        },
    ),
    (
        {"num_summaries": 3, "num_beams": 2},
        {"num_summaries": "is 3, must be at most options.num_beams = 2"},
    ),
    (
        {"seed": 2**63 + 1},
        {
            "seed": "is 9223372036854775809, but options.temperature is 0, and nothing is sampled: "
            "set it above 0"
        },
    ),
    (
        {"top_k": 20_001, "temperature": 1.0},
        {"top_k": "is 20001, must be at most the vocabulary's size = 20000"},
    ),
]
POSSIBLE: list[dict[str, Any]] = [
    {"num_beams": 4, "num_summaries": 4, "length_penalty": -1.0, "early_stopping": True},
    {"temperature": 0.7, "top_k": 20_000, "top_p": 0.9, "min_p": 0.1, "seed": 0},
    {"temperature": 0.7, "num_summaries": 16, "length_penalty": 2.0},
    {"repetition_penalty": 1.2, "num_beams": 4},
    {"repetition_penalty": 1.2},
    {"speculation": True, "num_beams": 4},
    {"speculation": True, "temperature": 0.7},
]
NEUTRAL: dict[str, Any] = {
    "temperature": 0.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "length_penalty": 1.0,
    "repetition_penalty": 1.0,
    "num_summaries": 1,
    "early_stopping": False,
}


@pytest.mark.parametrize(("options", "expected"), IMPOSSIBLE)
def test_what_cannot_stand_together_is_named_with_both_values(
    options: dict[str, Any], expected: dict[str, str]
) -> None:
    assert violations(**options) == expected


@pytest.mark.parametrize("options", POSSIBLE)
def test_what_can_stand_together_is_served(options: dict[str, Any]) -> None:
    assert violations(**options) == {}


@pytest.mark.parametrize("way", [{}, {"num_beams": 4}, {"temperature": 1.0}])
@pytest.mark.parametrize("name", NEUTRAL)
def test_a_value_that_changes_nothing_goes_with_everything(name: str, way: dict[str, Any]) -> None:
    assert violations(**{name: NEUTRAL[name]} | way) == {}


BEAMS = {"num_beams": 4, "length_penalty": 2.0, "early_stopping": True}
SAMPLES = {"temperature": 0.7, "top_k": 50, "top_p": 0.9, "min_p": 0.1}


def filled_with(defaults: dict[str, Any], **said: Any) -> dict[str, Any]:
    """What differs from doing nothing, of a style with these defaults."""
    style = replace(STYLE, defaults=DecodingDefaults(max_tokens=9, **defaults))
    filled = fill_in(RequestedOptions(**said), style, MODEL.max_summary_tokens)
    assert find_option_violations(RequestedOptions(**said), filled, MODEL) == []
    neutral = DecodingOptions(max_tokens=9)
    found = {field.name: getattr(filled, field.name) for field in fields(filled)}
    return {name: value for name, value in found.items() if value != getattr(neutral, name)}


def test_a_request_that_sets_nothing_gets_every_default_of_the_bundle() -> None:
    rules = {"no_repeat_ngram_size": 3, "no_repeat_word_ngram_size": 2, "repetition_penalty": 1.2}
    assert filled_with(BEAMS | rules) == BEAMS | rules
    assert filled_with(SAMPLES | rules | {"min_tokens": 4}) == SAMPLES | rules | {"min_tokens": 4}


@pytest.mark.parametrize(
    ("defaults", "said", "expected"),
    [
        (BEAMS, {"num_beams": 1}, {}),
        (BEAMS, {"num_beams": 2}, BEAMS | {"num_beams": 2}),
        (BEAMS, {"temperature": 0.0}, BEAMS),
        (BEAMS, {"temperature": 0.5, "top_k": 3}, {"temperature": 0.5, "top_k": 3}),
        (BEAMS, {"early_stopping": False}, {"num_beams": 4, "length_penalty": 2.0}),
        (SAMPLES, {"temperature": 0.0}, {}),
        (SAMPLES, {"num_beams": 3}, {"num_beams": 3}),
        (SAMPLES, {"top_p": 1.0}, {key: SAMPLES[key] for key in SAMPLES if key != "top_p"}),
        ({"min_tokens": 5}, {"max_tokens": 3}, {"min_tokens": 3, "max_tokens": 3}),
    ],
)
def test_a_default_gives_way_where_it_would_clash_with_the_request(
    defaults: dict[str, Any], said: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert filled_with(defaults, **said) == expected


def test_no_option_is_accepted_and_then_dropped() -> None:
    """A made-up option that decoding does not have, or that the table lacks, fails at once."""
    made_up = make_dataclass(
        "MadeUp", [("made_up", int, field(default=1))], bases=(RequestedOptions,), frozen=True
    )
    with pytest.raises(TypeError, match="made_up"):
        fill_in(made_up(), STYLE, 512)


def test_every_option_that_is_said_is_taken_over_and_the_others_have_their_defaults() -> None:
    said = {"num_beams": 3, "speculation": False, "temperature": 0.0, "max_tokens": 9}
    filled = fill_in(RequestedOptions(**said), STYLE, 512)
    expected = {
        "no_repeat_ngram_size": STYLE.defaults.no_repeat_ngram_size,
        "no_repeat_word_ngram_size": STYLE.defaults.no_repeat_word_ngram_size or 0,
        "only_source_facts": STYLE.defaults.only_source_facts or False,
    } | said
    assert filled == DecodingOptions(**expected)


@given(
    num_beams=st.integers(1, 16),
    temperature=st.sampled_from([0.0, 0.7]),
    num_summaries=st.integers(1, 16),
)
def test_what_is_served_never_asks_for_more_summaries_than_there_are(
    num_beams: int, temperature: float, num_summaries: int
) -> None:
    found = violations(num_beams=num_beams, temperature=temperature, num_summaries=num_summaries)
    most = 16 if temperature and num_beams == 1 else num_beams
    contradict = num_beams > 1 and temperature > 0
    assert bool(found) == (contradict or num_summaries > most)


@pytest.mark.parametrize(
    "nonsense", [{"temperature": -1.0}, {"temperature": nan}, {"num_beams": 0}]
)
def test_of_a_way_of_decoding_that_there_is_not_no_combination_is_judged(
    nonsense: dict[str, float],
) -> None:
    found = violations(**nonsense, seed=1, early_stopping=True, num_summaries=3, max_tokens=9999)
    assert found.keys() == {"max_tokens", *nonsense}

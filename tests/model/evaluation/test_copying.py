"""Coverage, density, novelty and repetition against counts by hand."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from model.evaluation.copying import (
    coverage,
    density,
    fragments,
    length,
    novelty,
    repetition,
    words,
)

DOCUMENT = "a b c d e a b x".split()
TOKENS = st.lists(st.sampled_from("abcd"), max_size=12)


def test_each_fragment_is_the_longest_that_begins_there() -> None:
    assert fragments(DOCUMENT, "a b c z a b x e".split()) == [3, 3, 1]


def test_coverage_is_the_share_and_density_the_mean_length_of_what_is_shared() -> None:
    summary = "a b c z a b x e".split()
    assert coverage(DOCUMENT, summary) == 7 / 8
    assert density(DOCUMENT, summary) == (9 + 9 + 1) / 8


def test_novelty_is_the_share_of_runs_that_the_document_lacks() -> None:
    summary = "a b z a".split()
    assert novelty(DOCUMENT, summary, 1) == 1 / 4
    assert novelty(DOCUMENT, summary, 2) == 2 / 3
    assert novelty(DOCUMENT, summary, 4) == 1


def test_repetition_is_the_share_of_runs_that_came_before() -> None:
    assert repetition("a b a b a".split(), 1) == 3 / 5
    assert repetition("a b a b a".split(), 2) == 2 / 4
    assert repetition("a b c".split(), 1) == 0


def test_a_share_of_nothing_has_no_value() -> None:
    assert math.isnan(coverage(DOCUMENT, []))
    assert math.isnan(novelty(DOCUMENT, ["a"], 2))
    assert math.isnan(repetition([], 1))


def test_a_length_is_counted_in_words_or_in_chinese_characters() -> None:
    assert length("A state-of-the-art model.", "en") == 3
    assert length("GPT 模型。", "zh") == 6


def test_case_and_punctuation_do_not_make_a_word_new() -> None:
    assert novelty(words("The model, it RUNS."), words("the model it runs"), 4) == 0


@given(TOKENS)
def test_a_document_covers_itself_in_one_fragment(document: list[str]) -> None:
    assume(document)
    assert fragments(document, document) == [len(document)]
    assert coverage(document, document) == 1
    assert density(document, document) == len(document)


@given(TOKENS, TOKENS)
def test_what_is_not_covered_is_new(document: list[str], summary: list[str]) -> None:
    assume(summary)
    assert coverage(document, summary) + novelty(document, summary, 1) == pytest.approx(1)
    assert coverage(document, summary) <= density(document, summary) + 1e-12 <= len(summary) + 1


@given(TOKENS, TOKENS)
def test_longer_runs_are_never_less_new(document: list[str], summary: list[str]) -> None:
    assume(len(summary) >= 3)
    seen = [novelty(document, summary, n) for n in (1, 2, 3)]
    assert all(0 <= share <= 1 for share in seen)
    # A run is new when any part of it is: only the first and the last tokens count less often.
    assert (seen[1] == 0) <= (seen[0] == 0)
    assert (seen[2] == 0) <= (seen[1] == 0)

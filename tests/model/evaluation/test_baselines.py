"""Leading sentences, and the ones that TextRank finds most central."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluation.baselines import Lead, TextRank, make_baseline, rank, similarity
from tests.model.evaluation.records import make_record

FOUR = "Cats eat fish daily. The weather was nice. Cats and dogs eat fish. Dogs eat fish and bones."


def test_the_lead_has_as_many_sentences_as_the_style_is_like() -> None:
    records = [make_record(document=FOUR, style=style) for style in ("brief", "detailed")]
    assert Lead().summarise(records) == [
        "Cats eat fish daily.",
        "Cats eat fish daily. The weather was nice. Cats and dogs eat fish.",
    ]
    assert Lead(2).summarise(records[:1]) == ["Cats eat fish daily. The weather was nice."]


def test_chinese_sentences_are_joined_without_a_space() -> None:
    record = make_record(document="一。二。\n三。", lang="zh")
    assert Lead(2).summarise([record]) == ["一。二。"]


def test_textrank_takes_the_most_central_sentence_and_keeps_the_order() -> None:
    record = make_record(document=FOUR)
    assert TextRank().summarise([record]) == ["Cats and dogs eat fish."]
    assert TextRank(2).summarise([record]) == ["Cats and dogs eat fish. Dogs eat fish and bones."]


def test_similarity_is_the_words_in_common_over_the_logarithms_of_the_lengths() -> None:
    ours, theirs = ["a", "b", "c"], ["b", "c", "d", "e"]
    assert similarity(ours, theirs) == pytest.approx(2 / (math.log(3) + math.log(4)))
    assert similarity(["a"], ["a"]) == 0


def test_ranks_are_the_stationary_distribution_of_the_walk() -> None:
    # A line of three: the middle one is like both ends, which are not like one another.
    ranks = rank([["a", "b"], ["b", "c"], ["c", "d"]])
    middle = (0.05 + 0.85) / (1 + 0.85)  # r = 0.05 + 0.85 (1 - r): both ends lead to it alone
    assert ranks == pytest.approx([(1 - middle) / 2, middle, (1 - middle) / 2], abs=1e-6)


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=8))
def test_ranks_are_shares_of_one(tokenised: list[list[str]]) -> None:
    ranks = rank(tokenised)
    assert ranks.shape == (len(tokenised),)
    assert np.all(ranks > 0)
    assert ranks.sum() == pytest.approx(1 if tokenised else 0)


def test_a_document_without_a_sentence_has_an_empty_summary() -> None:
    record = make_record(document=" ")
    assert Lead().summarise([record]) == TextRank().summarise([record]) == [""]


@pytest.mark.parametrize("name", ["lead", "lead-3", "textrank", "textrank-12"])
def test_a_baseline_answers_to_its_name(name: str) -> None:
    assert make_baseline(name).name == name


@pytest.mark.parametrize("name", ["leads", "lead-0", "textrank-", "random", ""])
def test_an_unknown_baseline_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ValueError, match=f"no baseline is called '{name}'; known: lead"):
        make_baseline(name)

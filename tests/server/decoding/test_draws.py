"""The quick draw gives the oracle's token, however many tokens it must look at."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.decoding import sampling as oracle
from model.decoding.decoding_options import SamplingOptions
from server.decoding.draws import Draws, uniform
from server.types import DecodingOptions

VOCABULARY = 300


def make_scores(seed: int, spread: float) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(VOCABULARY) * spread).astype(np.float32)


@settings(max_examples=300)
@given(
    seed=st.integers(0, 50),
    # From nearly level to nearly certain.
    spread=st.sampled_from([0.01, 1.0, 3.0, 10.0, 60.0]),
    num_forbidden=st.sampled_from([0, 3, 290]),
    u=st.floats(0, 1, exclude_max=True),
    filters=st.fixed_dictionaries(
        {
            "temperature": st.floats(0.05, 3),
            "top_k": st.sampled_from([0, 1, 2, 40, 299, 300, 1000]),
            "top_p": st.just(1.0) | st.floats(0.01, 1),
            "min_p": st.just(0.0) | st.floats(0, 1),
        }
    ),
)
def test_the_token_is_the_oracles_under_any_filters(
    seed: int, spread: float, num_forbidden: int, u: float, filters: dict[str, float]
) -> None:
    scores = make_scores(seed, spread)
    scores[:num_forbidden] = -np.inf
    draws = Draws(DecodingOptions(max_tokens=1, **filters), VOCABULARY)
    expected, margin = oracle.draw(torch.from_numpy(scores), SamplingOptions(**filters), u)
    assume(margin > 1e-12)
    assert draws.draw(scores, u) == expected


@pytest.mark.parametrize("filters", [{"top_p": 0.99}, {"min_p": 0.01}, {"top_k": 80}])
def test_a_filter_whose_edge_lies_far_down_counts_for_the_likely_tokens_too(
    filters: dict[str, float],
) -> None:
    scores = np.full(VOCABULARY, -5.0, np.float32)
    scores[:50] = 0.0
    draws = Draws(DecodingOptions(max_tokens=1, temperature=1.0, **filters), VOCABULARY)
    for u in np.linspace(0, 1, 500, endpoint=False):
        expected, margin = oracle.draw(torch.from_numpy(scores), SamplingOptions(**filters), u)
        assert margin < 1e-12 or draws.draw(scores, u) == expected


def test_a_token_is_drawn_whose_sum_exceeds_u_and_does_not_only_reach_it() -> None:
    draws = Draws(DecodingOptions(max_tokens=1, temperature=1.0), 4)
    level = np.zeros(4, np.float32)
    assert [draws.draw(level, u) for u in (0.0, 0.25, 0.5, 0.75)] == [0, 1, 2, 3]


def test_equal_scores_are_taken_by_id() -> None:
    draws = Draws(DecodingOptions(max_tokens=1, temperature=1.0), 4)
    scores = np.array([0.0, 1.0, 0.0, 0.0], np.float32)
    weight = 3 + np.e
    us = [0.0, (np.e + 0.5) / weight, (np.e + 1.5) / weight, (np.e + 2.5) / weight]
    assert [draws.draw(scores, u) for u in us] == [1, 0, 2, 3]


def test_no_token_is_drawn_where_all_are_forbidden() -> None:
    draws = Draws(DecodingOptions(max_tokens=1, temperature=1.0), 4)
    assert draws.draw(np.full(4, -np.inf, np.float32), 0.5) is None


def test_the_scores_are_left_as_they_are() -> None:
    scores = make_scores(1, 3.0)
    before = scores.copy()
    Draws(DecodingOptions(max_tokens=1, temperature=0.5, top_p=0.5), VOCABULARY).draw(scores, 0.5)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_the_uniform_numbers_are_the_oracles(seed: int) -> None:
    for index, place in [(0, 0), (0, 1), (3, 500)]:
        assert uniform(seed, index, place) == oracle.uniform(seed, index, place)

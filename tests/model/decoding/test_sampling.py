"""The sampling oracle: what it draws from is transformers' distribution, and how it draws holds."""

import math
from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from model.decoding.decoding_options import SamplingOptions
from model.decoding.generate import greedy
from model.decoding.sampling import distribution, draw, sample, uniform
from tests.model.factories import make_ids, make_model, make_zero_model

SOURCE = make_ids(9).tolist()


def make_scores(seed: int, size: int = 40) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 2


def warped_by_transformers(scores: torch.Tensor, options: SamplingOptions) -> torch.Tensor:
    """In the order of its `_get_logits_processor`, and only those that it would take."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(options.temperature)])
    if options.top_k > 0:
        warpers.append(TopKLogitsWarper(options.top_k))
    if options.top_p < 1:
        warpers.append(TopPLogitsWarper(options.top_p))
    warpers.append(MinPLogitsWarper(options.min_p))
    return warpers(torch.empty(1, 0), scores[None].double())[0].softmax(dim=-1)


@given(
    seed=st.integers(0, 1000),
    temperature=st.floats(0.05, 3),
    top_k=st.integers(0, 60),
    top_p=st.floats(0.01, 1),
    min_p=st.floats(0, 1),
)
def test_the_distribution_is_that_of_transformers_warpers(
    seed: int, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    options = SamplingOptions(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    scores = make_scores(seed)
    torch.testing.assert_close(
        distribution(scores, options), warped_by_transformers(scores, options)
    )


def test_tokens_as_likely_as_the_last_of_the_top_k_are_drawn_too() -> None:
    kept = distribution(torch.tensor([1.0, 3.0, 2.0, 2.0, 0.0]), SamplingOptions(top_k=2)) > 0
    assert kept.tolist() == [False, True, True, True, False]


def test_of_equal_tokens_at_the_edge_of_top_p_those_with_lower_ids_are_kept() -> None:
    kept = distribution(torch.zeros(4), SamplingOptions(top_p=0.5)) > 0
    assert kept.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("u", "token"), [(0.0, 1), (0.49, 1), (0.5, 0), (0.74, 0), (0.75, 2), (0.99, 2)]
)
def test_u_finds_its_token_in_falling_order_equals_by_id(u: float, token: int) -> None:
    scores = torch.tensor([0.25, 0.5, 0.25]).double().log()
    assert draw(scores, SamplingOptions(), u)[0] == token


def test_every_u_gives_a_token_that_is_kept() -> None:
    almost_one = 1 - 2**-53
    token, _ = draw(make_scores(0), SamplingOptions(top_k=3), almost_one)
    assert token == make_scores(0).topk(3).indices[-1]


def test_u_is_told_by_seed_index_and_place() -> None:
    told = {(s, i, p): uniform(s, i, p) for s in range(3) for i in range(3) for p in range(3)}
    assert len(set(told.values())) == 27
    assert all(0 <= u < 1 for u in told.values())
    assert uniform(2**64 - 1, 0, 0) != uniform(2**64 - 2, 0, 0)
    # Written down, because a release that draws differently breaks every caller's seed.
    assert told[1, 2, 0] == 0.30931491118583454


def test_tokens_come_as_often_as_they_are_likely() -> None:
    options = SamplingOptions(temperature=1.3, top_k=12)
    scores, draws = make_scores(5), 4000
    counts = Counter(draw(scores, options, uniform(7, 0, place))[0] for place in range(draws))
    expected = (distribution(scores, options) * draws).tolist()
    chi_squared = sum(
        (counts[token] - share) ** 2 / share for token, share in enumerate(expected) if share > 0
    )
    assert counts.keys() <= {token for token, share in enumerate(expected) if share > 0}
    assert chi_squared < 24.7, "the 99 % quantile at 11 degrees of freedom"


@pytest.mark.parametrize("copy_head", [True, False])
def test_a_low_temperature_draws_what_greedy_decoding_takes(copy_head: bool) -> None:
    rules: dict[str, Any] = {"max_tokens": 8, "repetition_penalty": 1.4, "no_repeat_ngram_size": 2}
    model = make_model(2, copy_head=copy_head)
    drawn = sample(model, SOURCE, SamplingOptions(**rules, temperature=1e-4))
    taken = greedy(model, SOURCE, SamplingOptions(**rules))
    assert drawn.tokens == taken.tokens
    assert drawn.finish_reason == taken.finish_reason
    assert drawn.log_probabilities == pytest.approx(taken.log_probabilities, abs=1e-5)


def test_the_same_seed_draws_the_same_and_another_seed_or_index_another() -> None:
    model, options = make_zero_model(), SamplingOptions(max_tokens=12, min_tokens=12, seed=3)
    first = sample(model, SOURCE, options).tokens
    assert sample(model, SOURCE, options).tokens == first
    assert sample(model, SOURCE, options, index=1).tokens != first
    other = SamplingOptions(max_tokens=12, min_tokens=12, seed=4)
    assert sample(model, SOURCE, other).tokens != first


def test_a_longer_summary_begins_with_the_draws_of_a_shorter_one() -> None:
    model = make_model()
    shorter = sample(model, SOURCE, SamplingOptions(max_tokens=4, min_tokens=4))
    longer = sample(model, SOURCE, SamplingOptions(max_tokens=8, min_tokens=8))
    assert longer.tokens[:4] == shorter.tokens


@pytest.mark.parametrize(
    ("rules", "finish_reason"),
    [({"banned_ids": (1,)}, "length"), ({"banned_ids": tuple(set(range(40)) - {1, 7})}, "stop")],
)
def test_a_forced_end_is_one_of_length_unless_the_end_was_drawn(
    rules: dict[str, Any], finish_reason: str
) -> None:
    options = SamplingOptions(max_tokens=3, min_tokens=2, forced_last=1, seed=1, **rules)
    drawn = sample(make_zero_model(), [9, 1], options)
    assert drawn.tokens[-1] == 1
    assert math.isinf(drawn.margins[-1])
    assert drawn.finish_reason == finish_reason


def test_forbidding_every_token_is_an_error() -> None:
    options = SamplingOptions(max_tokens=3, banned_ids=tuple(range(40)))
    with pytest.raises(ValueError, match="forbid every token"):
        sample(make_zero_model(), [9, 1], options)


def test_impossible_options_are_refused_all_at_once() -> None:
    options: dict[str, Any] = {
        "temperature": 0.0, "top_k": -1, "top_p": 0.0, "min_p": 1.5, "seed": -1,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"temperature is 0.0.*top_k.*top_p.*min_p.*seed is -1"):
        SamplingOptions(**options)

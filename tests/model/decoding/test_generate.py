"""The oracle keeps its rules, and the batched decoder gives the oracle's tokens."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.decoding.generate import Generation, GreedyOptions, greedy, greedy_batch
from model.decoding.repetition import repeating_ids
from model.network.transformer import Summarizer
from tests.model.factories import make_ids, make_model, make_zero_model

NEAR_TIE = 1e-4
MODELS = [make_model(seed) for seed in range(3)]


def assert_same_choices(got: Generation, oracle: Generation) -> None:
    """Equal tokens, unless the first difference lies where two candidates were level."""
    for index, (one, other) in enumerate(zip(got.tokens, oracle.tokens, strict=False)):
        if one != other:
            assert oracle.margins[index] < NEAR_TIE
            return
    assert got.tokens == oracle.tokens
    assert got.finish_reason == oracle.finish_reason
    assert got.log_probabilities == pytest.approx(oracle.log_probabilities, abs=1e-4)
    assert got.margins == pytest.approx(oracle.margins, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    max_tokens=st.integers(1, 12),
    min_tokens=st.integers(0, 6),
    no_repeat_ngram_size=st.integers(0, 3),
    banned_ids=st.lists(st.integers(2, 39), max_size=5),
    seed=st.integers(0, 5),
)
def test_the_batched_decoder_makes_the_choices_of_the_oracle(
    model: Summarizer,
    lengths: list[int],
    max_tokens: int,
    min_tokens: int,
    no_repeat_ngram_size: int,
    banned_ids: list[int],
    seed: int,
) -> None:
    options = GreedyOptions(
        max_tokens=max_tokens,
        min_tokens=min(min_tokens, max_tokens),
        no_repeat_ngram_size=no_repeat_ngram_size,
        banned_ids=tuple(banned_ids),
    )
    sources = [make_ids(length, seed=seed + i).tolist() for i, length in enumerate(lengths)]
    for got, source in zip(greedy_batch(model, sources, options), sources, strict=True):
        assert_same_choices(got, greedy(model, source, options))


@pytest.mark.parametrize("model", MODELS)
def test_the_oracle_takes_the_best_token_and_reports_its_probability(model: Summarizer) -> None:
    source = make_ids(9).tolist()
    result = greedy(model, source, GreedyOptions(max_tokens=8))
    target_ids = torch.tensor([[model.config.start_id, *result.tokens[:-1]]])
    with torch.inference_mode():
        steps = model(torch.tensor([source]), torch.tensor([9]), target_ids)[0]
    for step, token, log_probability, margin in zip(
        steps, result.tokens, result.log_probabilities, result.margins, strict=True
    ):
        best, second = step.topk(2).values.tolist()
        assert token == step.argmax()
        assert log_probability == pytest.approx(math.log(best), abs=1e-4)
        assert margin == pytest.approx(math.log(best / second), abs=1e-3)


def batch_of_one(model: Summarizer, source: list[int], options: GreedyOptions) -> Generation:
    return greedy_batch(model, [source], options)[0]


@pytest.mark.parametrize("decode", [greedy, batch_of_one])
@pytest.mark.parametrize(
    ("rules", "tokens", "finish_reason"),
    [
        ({}, [0, 0, 0, 0, 0], "length"),
        ({"banned_ids": (0,)}, [1], "stop"),
        ({"banned_ids": (0,), "min_tokens": 2}, [2, 2, 1], "stop"),
        ({"banned_ids": (0,), "min_tokens": 4}, [2, 2, 2, 2, 1], "stop"),
        ({"banned_ids": (0,), "min_tokens": 5}, [2, 2, 2, 2, 2], "length"),
        ({"banned_ids": (0, 2, 4), "min_tokens": 1}, [3, 1], "stop"),
        ({"min_tokens": 5, "no_repeat_ngram_size": 1}, [2, 3, 4, 5, 6], "length"),
        ({"min_tokens": 5, "no_repeat_ngram_size": 2}, [0, 2, 0, 3, 0], "length"),
        ({"min_tokens": 5, "no_repeat_ngram_size": 3}, [0, 0, 2, 0, 0], "length"),
    ],
)
def test_rules_hold_and_ties_go_to_the_lowest_id(
    decode: Callable[[Summarizer, list[int], GreedyOptions], Generation],
    rules: dict[str, Any],
    tokens: list[int],
    finish_reason: str,
) -> None:
    result = decode(make_zero_model(), [5, 9, 1], GreedyOptions(max_tokens=5, **rules))
    assert result.tokens == tokens
    assert result.finish_reason == finish_reason
    assert result.margins == pytest.approx([0.0] * len(tokens), abs=1e-6)
    assert result.log_probabilities == pytest.approx([-math.log(40)] * len(tokens))


@pytest.mark.parametrize("decode", [greedy, batch_of_one])
@pytest.mark.parametrize(
    ("rules", "tokens", "finish_reason"),
    [
        ({"not_first_ids": (0,), "min_tokens": 2}, [2, 0, 0, 0, 0], "length"),
        ({"not_first_ids": (0,), "forced_first": 7, "min_tokens": 3}, [7, 2, 0, 0, 0], "length"),
        ({"banned_runs": ((0, 0), (2, 0, 2)), "min_tokens": 5}, [0, 2, 0, 3, 0], "length"),
        ({"banned_runs": ((0,),)}, [1], "stop"),
        ({"encoder_no_repeat_ngram_size": 1, "banned_ids": (0, 2, 3, 4)}, [6] * 5, "length"),
        ({"encoder_no_repeat_ngram_size": 2, "forced_first": 5, "banned_ids": (0, 2)},
         [5, 1], "stop"),
        ({"forced_first": 0, "banned_ids": (0, 1, 2)}, [0, 3, 3, 3, 3], "length"),
        ({"forced_last": 1}, [0, 0, 0, 0, 1], "length"),
        ({"forced_last": 1, "banned_ids": (0,), "min_tokens": 4}, [2, 2, 2, 2, 1], "stop"),
        ({"forced_first": 7, "forced_last": 1, "max_tokens": 1}, [1], "length"),
    ],
)  # fmt: skip
def test_rules_of_foreign_checkpoints_hold(
    decode: Callable[[Summarizer, list[int], GreedyOptions], Generation],
    rules: dict[str, Any],
    tokens: list[int],
    finish_reason: str,
) -> None:
    result = decode(make_zero_model(), [5, 9, 1], GreedyOptions(**{"max_tokens": 5, **rules}))
    assert result.tokens == tokens
    assert result.finish_reason == finish_reason
    assert result.log_probabilities == pytest.approx([-math.log(40)] * len(tokens))
    forced = [math.isinf(margin) for margin in result.margins]
    assert forced[0] == ("forced_first" in rules or (len(tokens) == 1 and "forced_last" in rules))
    assert forced[-1] or "forced_last" not in rules


@pytest.mark.parametrize("decode", [greedy, batch_of_one])
def test_a_prefix_follows_the_forced_first_token_and_then_the_model_has_a_choice(
    decode: Callable[[Summarizer, list[int], GreedyOptions], Generation],
) -> None:
    rules = {"banned_ids": (0,), "not_first_ids": (1,), "max_tokens": 6}
    options = GreedyOptions(forced_first=7, prefix_ids=(5, 0), **rules)
    result = decode(make_zero_model(), [5, 9, 1], options)
    assert result.tokens == [7, 5, 0, 2, 1]
    assert [math.isinf(margin) for margin in result.margins] == [True, True, True, False, False]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 4))
def test_repeating_ids_are_those_that_would_repeat_a_run(tokens: list[int], size: int) -> None:
    def runs(ids: list[int]) -> list[tuple[int, ...]]:
        return [tuple(ids[i : i + size]) for i in range(len(ids) - size + 1)]

    expected = {
        token
        for token in range(4)
        if len(tokens) >= size and runs([*tokens, token])[-1] in runs(tokens)
    }
    assert repeating_ids(tokens, size) == expected


def test_without_the_rule_nothing_counts_as_repeating() -> None:
    assert repeating_ids([1, 1, 1], 0) == set()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "max_tokens must be at least 1, not 0"),
        ({"max_tokens": 3, "min_tokens": 4}, "between 0 and max_tokens=3, not 4"),
        ({"min_tokens": -1}, "between 0 and max_tokens=64, not -1"),
        ({"no_repeat_ngram_size": -2}, "no_repeat_ngram_size is -2, below 0"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GreedyOptions(**options)


def test_a_source_over_the_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(ValueError, match="33 tokens is over the limit 32"):
        greedy(make_model(), [9] * 33, GreedyOptions())


def test_forbidding_every_token_is_an_error_not_a_wrong_token() -> None:
    with pytest.raises(ValueError, match="forbid every token"):
        greedy(make_model(), [5, 9, 1], GreedyOptions(max_tokens=8, banned_ids=tuple(range(40))))

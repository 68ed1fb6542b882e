"""Intervals that hold the mean, do not change from run to run, and tell a real difference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluation.bootstrap import differences, means

NAN = float("nan")


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_the_interval_holds_the_mean_and_stays_within_the_values(values: list[float]) -> None:
    (mean,) = means(np.array(values)[:, None], resamples=200)
    assert min(values) - 1e-9 <= mean.low <= mean.value + 1e-9
    assert mean.value - 1e-9 <= mean.high <= max(values) + 1e-9
    assert mean.value == pytest.approx(sum(values) / len(values))


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    values = np.random.default_rng(1).normal(size=(40, 2))
    assert means(values) == means(values)
    assert means(values, seed=1) != means(values, seed=2)


def test_the_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(2).normal(size=(400, 1))
    (mean,) = means(values)
    standard_error = values.std() / math.sqrt(len(values))
    assert (mean.high - mean.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.1)


def test_documents_without_a_value_are_left_out() -> None:
    values = np.array([[1.0, NAN], [3.0, 5.0], [NAN, NAN]])
    first, second = means(values)
    assert (first.value, first.documents) == (2.0, 2)
    assert (second.value, second.low, second.high, second.documents) == (5.0, 5.0, 5.0, 1)


def test_a_measure_without_any_value_has_no_mean() -> None:
    (mean,) = means(np.array([[NAN], [NAN]]))
    assert math.isnan(mean.value)
    assert math.isnan(mean.low)
    assert mean.documents == 0


def test_what_is_hard_for_both_cancels_out_of_a_difference() -> None:
    hardness = np.random.default_rng(3).normal(scale=30, size=(50, 1))
    (alone,) = means(hardness + 1)
    (paired,) = differences(hardness + 1, hardness)
    assert alone.low < 0 < alone.high
    assert (paired.low, paired.high) == (pytest.approx(1), pytest.approx(1))

"""Percentiles to three significant digits, and histograms that add up."""

import json

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measure.histogram import Histogram

PERCENTS = [0, 1, 50, 90, 95, 99, 99.9, 100]
values = st.lists(st.floats(1e-6, 1e9) | st.integers(0, 50).map(float), max_size=200)


def histogram_of(numbers: list[float]) -> Histogram:
    histogram = Histogram()
    for number in numbers:
        histogram.record(number)
    return histogram


@given(values.filter(bool))
def test_percentiles_are_those_of_the_values_themselves_to_three_digits(
    numbers: list[float],
) -> None:
    exact = numpy.percentile(numbers, PERCENTS, method="inverted_cdf")

    found = histogram_of(numbers).percentiles(PERCENTS)

    for mine, theirs in zip(found, exact, strict=True):
        assert mine == pytest.approx(theirs, rel=0.001)
        assert mine is not None
        assert mine >= theirs


@given(values.filter(bool))
def test_count_mean_and_extremes_are_exact(numbers: list[float]) -> None:
    distribution = histogram_of(numbers).distribution("ms")

    assert distribution is not None
    assert distribution.count == len(numbers) == sum(times for _, times in distribution.bins)
    assert distribution.mean == pytest.approx(sum(numbers) / len(numbers))
    assert (distribution.least, distribution.greatest) == (min(numbers), max(numbers))


@given(values, values)
def test_two_histograms_added_up_are_the_one_of_all_values(
    some: list[float], others: list[float]
) -> None:
    added = histogram_of(some)
    added.add(Histogram.load(json.loads(json.dumps(histogram_of(others).dump()))))

    whole = histogram_of(some + others)
    assert added.dump() == {**whole.dump(), "total": pytest.approx(whole.total)}


@given(values.filter(bool))
def test_a_histogram_comes_back_from_its_distribution(numbers: list[float]) -> None:
    distribution = histogram_of(numbers).distribution("ms")
    assert distribution is not None

    again = Histogram.of_distribution(distribution).distribution("ms")

    assert again is not None
    assert again.bins == distribution.bins
    assert (again.p50, again.p999) == (distribution.p50, distribution.p999)


def test_percentiles_of_nothing_are_none_and_not_nought() -> None:
    assert Histogram().percentiles([50, 99]) == [None, None]
    assert Histogram().distribution("ms") is None


def test_what_no_clock_can_tell_from_zero_is_zero() -> None:
    distribution = histogram_of([5e-324]).distribution("ms")

    assert distribution is not None
    assert (distribution.greatest, distribution.bins) == (0.0, ((0.0, 1),))


@pytest.mark.parametrize("value", [-0.001, float("nan"), float("inf")])
def test_what_is_no_duration_is_refused_by_its_value(value: float) -> None:
    with pytest.raises(ValueError, match=repr(value)):
        Histogram().record(value)

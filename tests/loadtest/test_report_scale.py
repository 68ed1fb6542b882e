"""Axes: every value inside, ticks in order and round."""

import math

from hypothesis import given
from hypothesis import strategies as st

from loadtest.report.scale import Scale, durations, linear, logarithmic, span, tail

positive = st.floats(1e-3, 1e7)


def check(scale: Scale, *values: float) -> None:
    """Holds what is true of every axis."""
    assert all(-1e-9 <= scale.place(value) <= 1 + 1e-6 for value in values)
    places = [scale.place(tick.value) for tick in scale.ticks]
    assert places == sorted(places)
    assert all(-1e-6 <= place <= 1 + 1e-6 for place in places)
    assert len({tick.label for tick in scale.ticks}) == len(scale.ticks) <= 14


@given(positive, positive)
def test_values_lie_inside_the_axes_that_were_made_for_them(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)

    check(logarithmic(low, high), low, high)
    check(linear(0, high), 0, low, high)
    check(span(0, high), 0, low, high)
    check(durations([one, other]), low, high)


@given(st.integers(1, 10**7))
def test_an_axis_of_percentiles_gives_each_nine_the_same_room_and_ends_with_the_samples(
    samples: int,
) -> None:
    scale = tail(samples)

    check(scale, 0, 50, 99.99999, 100)
    if samples >= 1000:
        nine = scale.place(90)
        assert math.isclose(scale.place(99) - nine, nine, rel_tol=1e-6)
        assert math.isclose(scale.place(99.9) - scale.place(99), nine, rel_tol=1e-6)
    assert (99.9 in [tick.value for tick in scale.ticks]) == (samples >= 1000)


@given(st.integers(0, 10**6))
def test_an_axis_of_counts_names_whole_numbers_only(most: int) -> None:
    scale = linear(0, most, about=4, whole=True)

    check(scale, 0, most)
    assert all(tick.value == int(tick.value) for tick in scale.ticks)


def test_no_values_have_an_axis_too() -> None:
    check(durations([]), 0, 1)
    check(durations([0.0]), 0)
    check(linear(0, 0), 0)

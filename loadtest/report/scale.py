"""Axes: where a value lies between 0 and 1, and which values are named."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadtest.report.numbers import plain

_HAIR = 1e-9
"""Room for the last bit of a product, so that 0.3 is round although 3 * 0.1 is not it."""

_WIDE = 20
"""From this ratio on, a linear axis would hide the smaller values."""


@dataclass(frozen=True)
class Tick:
    """A value that an axis names."""

    value: float
    label: str


@dataclass(frozen=True)
class Scale:
    """One axis."""

    place: Callable[[float], float]
    ticks: tuple[Tick, ...]


def linear(low: float, high: float, about: int = 6, *, whole: bool = False) -> Scale:
    """Makes an axis with round ticks, whole ones if asked, that ends at or beyond the highest."""
    if high <= low:
        high = low + 1
    step = _round_step((high - low) / about)
    if whole and step != int(step):
        step = math.ceil(step)
    first, last = math.floor(low / step), math.ceil(round(high / step, 6))
    ticks = [round(at * step, 10) for at in range(first, last + 1)]
    span = ticks[-1] - ticks[0]
    return Scale(
        lambda value: (value - ticks[0]) / span, tuple(Tick(tick, plain(tick)) for tick in ticks)
    )


def span(low: float, high: float, about: int = 8) -> Scale:
    """Makes an axis from the lowest value to the highest exactly, as time has it."""
    if high <= low:
        high = low + 1
    step = _round_step((high - low) / about)
    first, last = math.ceil(low / step), math.floor(high / step)
    ticks = [round(at * step, 10) for at in range(first, last + 1)]
    return Scale(
        lambda value: (value - low) / (high - low), tuple(Tick(tick, plain(tick)) for tick in ticks)
    )


def logarithmic(low: float, high: float, most: int = 8) -> Scale:
    """Makes an axis from one round value to another, with ticks at 1, 2 and 5 while they fit."""
    high = max(high, low * 1.01)
    bottom, top = _round_down(low), _round_up(high)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        decades = range(math.floor(math.log10(bottom)), math.ceil(math.log10(top)) + 1)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        ticks = [tick for tick in ticks if bottom * 0.999 <= tick <= top * 1.001]
        if len(ticks) <= most:
            break
    width = math.log(top / bottom)
    return Scale(
        lambda value: math.log(max(value, bottom) / bottom) / width,
        tuple(Tick(tick, plain(round(tick, 12))) for tick in ticks),
    )


def durations(values: Iterable[float]) -> Scale:
    """Makes a linear axis from zero, or a logarithmic one where the values lie far apart."""
    known = [value for value in values if value > 0]
    if not known:
        return linear(0, 1)
    if max(known) / min(known) > _WIDE:
        return logarithmic(min(known), max(known))
    return linear(0, max(known))


def tail(samples: int) -> Scale:
    """Makes an axis of percentiles that gives every further nine the same room.

    It ends where the samples do: of a thousand, nothing is known beyond 99.9 %.
    """
    nines = max(1.0, math.log10(max(samples, 1)))
    named = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999]

    def place(percent: float) -> float:
        return min(1.0, -math.log10(max(1 - percent / 100, 10.0**-nines)) / nines)

    ticks = tuple(
        Tick(percent, f"{percent:g} %")
        for percent in named
        if -math.log10(1 - percent / 100) <= nines + 1e-9
    )
    return Scale(place, ticks)


def _round_step(rough: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(rough))
    return next(
        step * magnitude for step in (1, 2, 2.5, 5, 10) if rough <= step * magnitude * 1.0001
    )


def _round_down(value: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(value))
    return max(step * magnitude for step in (1, 2, 5) if step * magnitude <= value * (1 + _HAIR))


def _round_up(value: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(value))
    return min(
        step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= value * (1 - _HAIR)
    )

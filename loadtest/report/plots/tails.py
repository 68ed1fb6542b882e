"""How long the slowest took: durations over percentiles, with as much room for every nine."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from loadtest.report import svg
from loadtest.report.chart import Axis, Series, line_chart
from loadtest.report.numbers import figure
from loadtest.report.scale import logarithmic, tail
from loadtest.results import Distribution

_SHOWN_POINTS = 400
_HINTS = 60
_LEAST_MS = 0.001
LEAST_DRAWN = 10
"""Calls of which a curve or a histogram is drawn at all."""


def plot_tails(
    distributions: Mapping[str, Distribution], name: str, what: str, heading: str = ""
) -> Element | None:
    """Draws one line a distribution, to the last percentile that it has calls enough for.

    One of fewer than ten calls is left out: a line through them would show what nobody knows.
    """
    distributions = {title: one for title, one in distributions.items() if one.count >= LEAST_DRAWN}
    if not distributions:
        return None
    most = max(one.count for one in distributions.values())
    curves = {title: _curve(one) for title, one in distributions.items()}
    heights = [height for curve in curves.values() for _, height in curve]
    series = [
        Series(
            title,
            [curve],
            [_hints(title, curve)],
            is_dashed=number >= len(svg.COLOURS),
        )
        for number, (title, curve) in enumerate(curves.items())
    ]
    frame = line_chart(
        name,
        Axis("percentile", tail(most)),
        Axis(f"{what} (ms)", logarithmic(min(heights), max(heights))),
        series,
        heading,
    )
    return frame.root


def _curve(distribution: Distribution) -> list[tuple[float, float]]:
    """Gives the percentile that each bin reaches; of many bins enough that no corner is missing."""
    points: list[tuple[float, float]] = [(0.0, max(distribution.least, _LEAST_MS))]
    counted = 0
    for edge, times in distribution.bins:
        counted += times
        value = max(min(edge, distribution.greatest), _LEAST_MS)
        # Of n values the greatest is at 1 - 1/n: of a hundred at p99, as in the tables.
        points.append((100 * (counted - 1) / distribution.count, value))
    if len(points) <= _SHOWN_POINTS:
        return points
    # The ends of the tail are few and matter; what lies below the ninth of ten may be thinned.
    body = [point for point in points if point[0] < 90]
    rest = points[len(body) :]
    return _thin(body, _SHOWN_POINTS // 2) + _thin(rest[:-100], _SHOWN_POINTS // 4) + rest[-100:]


def _thin(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    step = max(1, len(points) // most)
    return points[::step]


def _hints(title: str, curve: list[tuple[float, float]]) -> list[str]:
    """Explains some of the points: all of them would make most of the file."""
    step = max(1, len(curve) // _HINTS)
    return [
        f"{title}: {percent:.6g} % within {figure(value)} ms" if number % step == 0 else ""
        for number, (percent, value) in enumerate(curve)
    ]

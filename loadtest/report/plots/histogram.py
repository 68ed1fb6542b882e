"""How often each latency came: bars that are equally wide on a logarithmic axis."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from loadtest.measure.figures import enough_for
from loadtest.report import svg
from loadtest.report.chart import Axis, Frame
from loadtest.report.numbers import count, figure
from loadtest.report.scale import linear, logarithmic
from loadtest.results import Distribution

_BARS = 40
_LEAST_MS = 0.001


def plot_histogram(distribution: Distribution, name: str, number: int = 0) -> Element:
    """Draws the latency of one phase, with its median and its tail marked."""
    least, greatest = max(distribution.least, _LEAST_MS), max(distribution.greatest, _LEAST_MS)
    axis = logarithmic(least * 0.98, greatest * 1.02, most=6)
    bars = _rebin(distribution, axis.place)
    frame = Frame(
        f"Histogram of {name}",
        Axis("latency (ms)", axis),
        Axis("calls", linear(0, max(bars.values()), about=4, whole=True)),
        width=340,
        height=220,
        heading=name,
    )
    width = (frame.right - frame.left) / _BARS
    for bar, times in bars.items():
        top = frame.at_y(times)
        left = frame.left + bar * width
        hint = f"{count(times)} calls of {count(distribution.count)}"
        svg.box(
            frame.root,
            *(left + 0.5, top, width - 1, frame.bottom - top),
            svg.colour(number),
            hint,
        )
    for words, value in (("p50", distribution.p50), ("p99", distribution.p99)):
        if not enough_for(distribution, words):
            continue
        x = frame.at_x(value)
        svg.line(frame.root, x, frame.top, x, frame.bottom, "axis dashed")
        svg.text(
            frame.root,
            *(x, frame.top - 4, words),
            anchor="end" if words == "p50" else "start",
            kind="quiet",
            hint=f"{words}: {figure(value)} ms",
        )
    return frame.root


def _rebin(distribution: Distribution, place: Callable[[float], float]) -> dict[int, int]:
    bars: dict[int, int] = {}
    for edge, times in distribution.bins:
        value = max(min(edge, distribution.greatest), _LEAST_MS)
        bar = min(_BARS - 1, int(place(value) * _BARS))
        bars[bar] = bars.get(bar, 0) + times
    return bars

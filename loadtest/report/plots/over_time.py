"""What the callers of each moment met: percentiles of the latency by windows."""

from collections.abc import Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from loadtest.report import svg
from loadtest.report.chart import Axis, Frame, Series, line_chart
from loadtest.report.numbers import figure
from loadtest.report.scale import Scale, durations, span
from loadtest.results import Phase, Window

_PERCENTILES = ("p50", "p95", "p99")
_GAP_S = 0.5


def plot_over_time(phases: Sequence[Phase]) -> Element | None:
    """Draws the median and the tail of every window, from when calls were due."""
    known = [
        value
        for phase in phases
        for window in phase.windows
        for name in _PERCENTILES
        if (value := _value(window, name)) is not None
    ]
    if not known:
        return None
    series = [_series(phases, name, number) for number, name in enumerate(_PERCENTILES)]
    frame = line_chart(
        "Latency over time",
        Axis("time since the start (s)", time_scale(phases)),
        Axis("latency (ms)", durations(known)),
        series,
    )
    mark_phases(frame, phases)
    return frame.root


def start_of(phases: Sequence[Phase]) -> float:
    """Gives when measuring began."""
    return min((window.start_s for phase in phases for window in phase.windows), default=0.0)


def time_scale(phases: Sequence[Phase]) -> Scale:
    """Makes the axis that all plots over time share."""
    start = start_of(phases)
    ends = (w.start_s + w.seconds - start for phase in phases for w in phase.windows)
    return span(0, max(ends, default=1.0))


def mark_phases(frame: Frame, phases: Sequence[Phase]) -> None:
    """Names each stretch of a phase where it begins."""
    start = start_of(phases)
    named = [
        (frame.at_x(stretch[0].start_s - start), phase.name)
        for phase in phases
        for stretch in stretches(phase)
    ]
    named.sort()
    for (left, name), (right, _) in pairwise([*named, (frame.right, "")]):
        if left > frame.left + 1:
            svg.line(frame.root, left, frame.top - 12, left, frame.bottom, "axis dashed")
        words = svg.fit(name, right - left - 8)
        svg.text(frame.root, left + 4, frame.top - 4, words, kind="quiet", hint=name)


def stretches(phase: Phase) -> list[list[Window]]:
    """Parts the windows of a phase where time is missing, as between its repeats."""
    parts: list[list[Window]] = []
    for window in sorted(phase.windows, key=lambda window: window.start_s):
        before = parts[-1][-1] if parts else None
        if before is None or window.start_s > before.start_s + before.seconds + _GAP_S:
            parts.append([])
        parts[-1].append(window)
    return parts


def _series(phases: Sequence[Phase], name: str, number: int) -> Series:
    start = start_of(phases)
    pieces, hints = [], []
    parts = [(phase, stretch) for phase in phases for stretch in stretches(phase)]
    for phase, stretch in parts:
        points = [
            (window.start_s + window.seconds / 2 - start, value)
            for window in stretch
            if (value := _value(window, name)) is not None
        ]
        pieces.append(points)
        hints.append([f"{phase.name}, {x:.3g} s: {name} {figure(value)} ms" for x, value in points])
    return Series(name, pieces, hints, colour=(2, 1, 3)[number])


def _value(window: Window, name: str) -> float | None:
    value: float | None = getattr(window, f"{name}_ms")
    return value

"""What the callers of each moment met: percentiles of the latency by windows."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from loadtest.measure.figures import NEEDED
from loadtest.report import svg
from loadtest.report.chart import NOTE_ROW, Axis, Frame, Series, line_chart
from loadtest.report.numbers import figure
from loadtest.report.scale import Scale, durations, span
from loadtest.results import Phase, Window

_PERCENTILES = ("p50", "p95", "p99")
_SLOWEST = "slowest"
_COLOURS = {"p50": 2, "p95": 1, "p99": 3, _SLOWEST: 3}
_GAP_S = 0.5
_MOST_ROWS = 3
_NARROWEST = 600
"""About the least width of a drawing over time, by which its rows of names are planned."""


def plot_over_time(phases: Sequence[Phase]) -> Element | None:
    """Draws the median and the tail of every window, from when calls were due.

    Where no window has calls enough for a p99, the slowest call of each is drawn instead.
    """
    series = [_series(phases, name) for name in (*_PERCENTILES, _SLOWEST)]
    if any(series[-2].pieces):
        series.pop()
    known = [value for one in series for piece in one.pieces for _, value in piece]
    if not known:
        return None
    frame = line_chart(
        "Latency over time",
        Axis("time since the start (s)", time_scale(phases)),
        Axis("latency (ms)", durations(known)),
        series,
        notes=phase_rows(phases),
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


def phase_rows(phases: Sequence[Phase]) -> int:
    """Says how many rows the names of the phases need."""
    return max((row for _, _, row in _placed(phases)), default=0) + 1


def mark_phases(frame: Frame, phases: Sequence[Phase]) -> None:
    """Names each stretch of a phase where it begins, in as many rows as the names need."""
    width = frame.right - frame.left
    for place, name, row in _placed(phases):
        left, y = frame.left + place * width, frame.top - 4 - row * NOTE_ROW
        if left > frame.left + 1:
            svg.line(frame.root, left, y - 8, left, frame.bottom, "axis dashed")
        words = svg.fit(name, width - 8)
        # A name too long for what is left of the drawing ends at its edge.
        start = min(left + 4, frame.right - svg.width_of(words))
        svg.text(frame.root, start, y, words, kind="quiet", hint=name)


def _placed(phases: Sequence[Phase]) -> list[tuple[float, str, int]]:
    """Gives where each stretch begins, its name, and a row in which the name has room."""
    start, scale = start_of(phases), time_scale(phases)
    named = sorted(
        (scale.place(stretch[0].start_s - start), phase.name)
        for phase in phases
        for stretch in stretches(phase)
    )
    ends = [0.0] * _MOST_ROWS
    placed = []
    for place, name in named:
        room = (svg.width_of(name) + 8) / _NARROWEST
        left = max(0.0, min(place, 1 - room))
        row = next((row for row, end in enumerate(ends) if end <= left), None)
        if row is None:  # nowhere room: the dashed line says that a phase begins
            placed.append((place, "", 0))
            continue
        ends[row] = left + room
        placed.append((place, name, row))
    return placed


def stretches(phase: Phase) -> list[list[Window]]:
    """Parts the windows of a phase where time is missing, as between its repeats."""
    parts: list[list[Window]] = []
    for window in sorted(phase.windows, key=lambda window: window.start_s):
        before = parts[-1][-1] if parts else None
        if before is None or window.start_s > before.start_s + before.seconds + _GAP_S:
            parts.append([])
        parts[-1].append(window)
    return parts


def _series(phases: Sequence[Phase], name: str) -> Series:
    start = start_of(phases)
    pieces, hints = [], []
    parts = [(phase, stretch) for phase in phases for stretch in stretches(phase)]
    for phase, stretch in parts:
        points = [
            (window.start_s + window.seconds / 2 - start, value)
            for window in stretch
            if (value := _value(window, name)) is not None
        ]
        if not points:
            continue
        pieces.append(points)
        hints.append([f"{phase.name}, {x:.3g} s: {name} {figure(value)} ms" for x, value in points])
    return Series(name, pieces, hints, colour=_COLOURS[name])


def _value(window: Window, name: str) -> float | None:
    if name == _SLOWEST:
        return window.greatest_ms
    value: float | None = getattr(window, f"{name}_ms")
    return value if window.ok >= NEEDED[name] else None

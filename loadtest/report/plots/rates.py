"""What becomes of throughput and latency as more arrives."""

from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element

from loadtest.measure.figures import shown_ms
from loadtest.report.chart import Axis, Frame, Series, line_chart
from loadtest.report.knee import find_knee, offered_rate, open_phases
from loadtest.report.numbers import figure
from loadtest.report.scale import durations, linear
from loadtest.results import Phase, Run

_PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")
_OFFERED = "offered rate (calls/s)"


def plot_throughput(run: Run) -> Element | None:
    """Draws what was served of what arrived."""
    phases = open_phases(run.phases)
    if len(phases) < 2:
        return None
    most = max(*map(offered_rate, phases), *(phase.throughput for phase in phases))
    ideal = Series("all that arrives", [[(0, 0), (most, most)]], is_dashed=True, colour=1)
    served = _series("served", phases, lambda phase: phase.throughput, "calls/s", 0)
    frame = line_chart(
        "Throughput against offered rate",
        Axis(_OFFERED, linear(0, most)),
        Axis("served (calls/s)", linear(0, most)),
        [served, ideal],
    )
    _mark(frame, run)
    return frame.root


def plot_latency_by_rate(run: Run) -> Element | None:
    """Draws the median and the tail of every rate."""
    phases = open_phases(run.phases)
    if len(phases) < 2:
        return None
    series = [
        _series(name.removesuffix("_ms"), phases, _reader(name), "ms", (2, 1, 3)[number])
        for number, name in enumerate(_PERCENTILES)
    ]
    frame = _latency_frame("Latency against offered rate", phases, series, "latency (ms)")
    if frame is None:
        return None
    _mark(frame, run)
    return frame.root


def plot_latency_of_runs(
    runs: Mapping[str, Sequence[Phase]],
    name: str = "p99_ms",
    heading: str = "",
) -> Element | None:
    """Draws one percentile against the offered rate, a line a run."""
    named = {title: open_phases(phases) for title, phases in runs.items()}
    named = {title: phases for title, phases in named.items() if phases}
    phases = [phase for several in named.values() for phase in several]
    if len(phases) < 2:
        return None
    series = [
        _series(title, several, _reader(name), "ms", number)
        for number, (title, several) in enumerate(named.items())
    ]
    words = f"{name.removesuffix('_ms')} latency"
    frame = _latency_frame(
        f"{words} against offered rate", phases, series, f"{words} (ms)", heading
    )
    return frame.root if frame else None


def _latency_frame(
    name: str, phases: Sequence[Phase], series: Sequence[Series], words: str, heading: str = ""
) -> Frame | None:
    heights = [y for one in series for piece in one.pieces for _, y in piece]
    if not heights:
        return None
    most = max(map(offered_rate, phases))
    return line_chart(
        name, Axis(_OFFERED, linear(0, most)), Axis(words, durations(heights)), series, heading
    )


def _series(
    name: str,
    phases: Sequence[Phase],
    read: Callable[[Phase], float | None],
    unit: str,
    number: int,
) -> Series:
    points, hints = [], []
    for phase in sorted(phases, key=offered_rate):
        value = read(phase)
        if value is not None:
            rate = offered_rate(phase)
            points.append((rate, value))
            hints.append(f"{phase.name}: {name} {figure(value)} {unit} at {figure(rate)} calls/s")
    return Series(name, [points] if points else [], [hints], has_dots=True, colour=number)


def _reader(name: str) -> Callable[[Phase], float | None]:
    return lambda phase: shown_ms(phase, name)


def _mark(frame: Frame, run: Run) -> None:
    knee = find_knee(run.phases)
    if knee is not None:
        frame.mark_x(knee, f"knee: {figure(knee)} calls/s")

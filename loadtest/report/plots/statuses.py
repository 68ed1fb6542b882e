"""How the calls of each moment ended: a stack of statuses by windows."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from loadtest.measure.call import HUNG_UP, OK
from loadtest.report import svg
from loadtest.report.chart import Axis, Frame
from loadtest.report.numbers import figure
from loadtest.report.plots.over_time import mark_phases, phase_rows, start_of, time_scale
from loadtest.report.scale import linear
from loadtest.results import Phase, Window

DROPPED = "dropped"
UNFINISHED = "unfinished"


def plot_statuses(phases: Sequence[Phase]) -> Element | None:
    """Draws bars of calls a second, by when they were due."""
    stacks = [(phase, window, _stack(window)) for phase in phases for window in phase.windows]
    if not any(stack for _, _, stack in stacks):
        return None
    names = sorted({name for _, _, stack in stacks for name in stack}, key=_order)
    colours = _colours(names)
    most = max(sum(stack.values()) / window.seconds for _, window, stack in stacks)
    frame = Frame(
        "How calls ended",
        Axis("time since the start (s)", time_scale(phases)),
        Axis("calls due (1/s)", linear(0, most)),
        names,
        colours,
        height=260,
        notes=phase_rows(phases),
    )
    start = start_of(phases)
    for phase, window, stack in stacks:
        from_s = window.start_s - start
        left, right = frame.at_x(from_s), frame.at_x(from_s + window.seconds)
        below = 0.0
        for name in names:
            rate = stack.get(name, 0) / window.seconds
            if not rate:
                continue
            top = frame.at_y(below + rate)
            hint = f"{phase.name}, {from_s:.3g} s: {name} {figure(rate)} a second"
            svg.box(
                frame.root,
                *(left + 0.5, top, right - left - 1, frame.at_y(below) - top),
                colours[name],
                hint,
            )
            below += rate
    mark_phases(frame, phases)
    return frame.root


def _stack(window: Window) -> dict[str, int]:
    stack = dict(window.statuses)
    missing = window.offered - window.dropped - sum(stack.values())
    extra = {DROPPED: window.dropped, UNFINISHED: missing}
    return stack | {name: count for name, count in extra.items() if count > 0}


def _order(name: str) -> tuple[int, str]:
    """Puts what went well at the bottom, where it can be read, and what never went on top."""
    return {OK: 0, HUNG_UP: 1, UNFINISHED: 3, DROPPED: 4}.get(name, 2), name


def _colours(names: Sequence[str]) -> dict[str, str]:
    fixed = {OK: "var(--good)", HUNG_UP: "var(--line)", DROPPED: "var(--quiet)"}
    failures = [name for name in names if name not in fixed]
    order = (3, 1, 4, 6, 5, 0, 7, 2)
    return fixed | {name: svg.colour(order[at % 8]) for at, name in enumerate(failures)}

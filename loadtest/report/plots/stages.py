"""Where the server's time went: one bar a phase, cut into the stages of a request."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from loadtest.report import svg
from loadtest.report.chart import Axis, Frame
from loadtest.report.numbers import figure
from loadtest.report.scale import Scale, linear
from loadtest.results import WHOLE, Phase, ServerSide

_BAR = 22
_GAP = 10
_WIDEST_LABEL = 260
_ELSEWHERE = "elsewhere"


def plot_stages(phases: Sequence[Phase]) -> Element | None:
    """Draws the mean milliseconds of a request by stage, from the server's own metrics."""
    told = [(phase.name, _parts(phase.server)) for phase in phases if phase.server]
    told = [(name, stages) for name, stages in told if stages]
    if not told:
        return None
    names = list(dict.fromkeys(stage for _, stages in told for stage in stages))
    colours = {name: svg.colour((1, 5, 0, 4, 2, 6, 7, 3)[at % 8]) for at, name in enumerate(names)}
    colours[_ELSEWHERE] = "var(--quiet)"
    most = max(sum(stages.values()) for _, stages in told)
    labels = min(_WIDEST_LABEL, max(svg.width_of(name) for name, _ in told))
    frame = Frame(
        "Server's time by stage",
        Axis("mean of a request (ms)", linear(0, most)),
        Axis("", Scale(lambda value: value, ())),
        names,
        colours,
        height=100 + len(told) * (_BAR + _GAP),
        margin=20 + labels,
    )
    for number, (name, stages) in enumerate(told):
        top = frame.top + number * (_BAR + _GAP) + _GAP / 2
        words = svg.fit(name, labels + 1)
        svg.text(frame.root, frame.left - 8, top + 15, words, anchor="end", hint=name)
        before = 0.0
        for stage, value in stages.items():
            left, right = frame.at_x(before), frame.at_x(before + value)
            hint = f"{name}: {stage} {figure(value)} ms"
            svg.box(frame.root, left, top, right - left, _BAR, colours[stage], hint)
            before += value
    return frame.root


def _parts(server: ServerSide) -> dict[str, float]:
    """Gives the stages, and what of the whole request lies in none of them."""
    stages = {name: value for name, value in server.stages_ms.items() if name != WHOLE}
    elsewhere = server.stages_ms.get(WHOLE, 0.0) - sum(stages.values())
    return stages | ({_ELSEWHERE: elsewhere} if elsewhere > 0 else {})

"""A frame with two axes, a legend above it, and lines inside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from loadtest.report import svg
from loadtest.report.scale import Scale

Points = Sequence[tuple[float, float]]

NOTE_ROW = 14
_TITLE_WIDTH = 24


@dataclass(frozen=True)
class Axis:
    """What an axis shows, with its unit, and how."""

    title: str
    scale: Scale


@dataclass(frozen=True)
class Series:
    """A line, in several pieces where nothing was measured between them."""

    name: str
    pieces: Sequence[Points]
    hints: Sequence[Sequence[str]] = ()  # a point with an empty one cannot be pointed at
    is_dashed: bool = False
    has_dots: bool = False
    colour: int | None = None  # None: its place among the series


@dataclass
class Frame:
    """The drawing area of one chart: it turns values into places."""

    name: str
    x: Axis
    y: Axis
    names: Sequence[str] = ()  # of the legend
    colours: dict[str, str] = field(default_factory=dict)
    width: float = 720
    height: float = 320
    heading: str = ""
    margin: float | None = None  # left of the drawing; None is as wide as its labels need
    notes: int = 0  # rows of words between the legend and the drawing

    def __post_init__(self) -> None:
        rows = svg.legend_rows(list(self.names), self.width - 80) if self.names else []
        top = (22 if self.heading else 8) + svg.LEGEND_ROW * len(rows) + 16
        top += NOTE_ROW * max(0, self.notes - 1)
        labels = max((svg.width_of(tick.label) for tick in self.y.scale.ticks), default=0.0)
        self.left = self.margin if self.margin is not None else _TITLE_WIDTH + labels + 12
        self.right = self.width - 26
        self.top, self.bottom = float(top), self.height - 46
        self.root: Element = svg.canvas(self.width, self.height, self.name)
        if self.heading:
            words = svg.fit(self.heading, self.width - 70)
            svg.text(self.root, self.left, 18, words, kind="name", hint=self.heading)
        svg.legend(self.root, self.left, 40 if self.heading else 16, rows, self.colours)
        self._draw_axes()

    def at_x(self, value: float) -> float:
        """Gives the place of a value from left to right."""
        return self.left + (self.right - self.left) * self.x.scale.place(value)

    def at_y(self, value: float) -> float:
        """Gives the place of a value from top to bottom."""
        return self.bottom - (self.bottom - self.top) * self.y.scale.place(value)

    def draw(self, series: Series, colour: str) -> None:
        """Draws a line and its points."""
        for number, piece in enumerate(series.pieces):
            places = [(self.at_x(x), self.at_y(y)) for x, y in piece]
            if len(places) > 1:
                svg.path(self.root, places, colour, series.is_dashed)
            hints = series.hints[number] if series.hints else []
            is_visible = series.has_dots or len(places) == 1
            for (x, y), hint in zip(places, hints, strict=False):
                if not hint:
                    continue
                svg.dot(self.root, x, y, colour, hint, is_visible=is_visible)

    def mark_x(self, value: float, words: str) -> None:
        """Draws an upright line that says something of a value."""
        x = self.at_x(value)
        svg.line(self.root, x, self.top, x, self.bottom, "axis dashed")
        is_right = x > (self.left + self.right) / 2
        at, anchor = (x - 6, "end") if is_right else (x + 6, "start")
        svg.text(self.root, at, self.top + 12, words, anchor=anchor, kind="quiet")

    def _draw_axes(self) -> None:
        for tick in self.y.scale.ticks:
            y = self.at_y(tick.value)
            svg.line(self.root, self.left, y, self.right, y, "grid")
            svg.text(self.root, self.left - 8, y + 4, tick.label, anchor="end", kind="quiet")
        for tick in self.x.scale.ticks:
            x = self.at_x(tick.value)
            svg.line(self.root, x, self.bottom, x, self.bottom + 4, "axis")
            svg.text(self.root, x, self.bottom + 18, tick.label, anchor="middle", kind="quiet")
        svg.line(self.root, self.left, self.bottom, self.right, self.bottom, "axis")
        middle = (self.left + self.right) / 2
        svg.text(self.root, middle, self.height - 8, self.x.title, anchor="middle")
        if self.y.title:
            height = (self.top + self.bottom) / 2
            svg.text(self.root, 14, height, self.y.title, anchor="middle", turn=True)


def line_chart(
    name: str, x: Axis, y: Axis, series: Sequence[Series], heading: str = "", notes: int = 0
) -> Frame:
    """Draws lines, each with its name in the legend."""
    series = [one for one in series if any(one.pieces)]
    colours = {
        one.name: svg.colour(number if one.colour is None else one.colour)
        for number, one in enumerate(series)
    }
    frame = Frame(name, x, y, [one.name for one in series], colours, heading=heading, notes=notes)
    for one in series:
        frame.draw(one, colours[one.name])
    return frame

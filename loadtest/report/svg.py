"""Draws into a tree of SVG elements, which escapes every text when it is written out."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

LEGEND_ROW = 20
_CHARACTER = 6.6
"""About how wide a character is, since we cannot measure it."""

STYLE = """
svg.plot { --paper: #fff; --ink: #1b1d21; --quiet: #5c636e; --line: #dfe3e8;
  --c0: #2563eb; --c1: #d97706; --c2: #059669; --c3: #dc2626; --c4: #7c3aed; --c5: #0891b2;
  --c6: #be185d; --c7: #65a30d; --good: #86b899; }
@media (prefers-color-scheme: dark) { svg.plot { --paper: #14161a; --ink: #e8eaee;
  --quiet: #9aa3b0; --line: #2c313a; --c0: #60a5fa; --c1: #fbbf24; --c2: #34d399; --c3: #f87171;
  --c4: #a78bfa; --c5: #22d3ee; --c6: #f472b6; --c7: #a3e635; --good: #3f6b50; } }
svg.plot text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg.plot .quiet { fill: var(--quiet); }
svg.plot .name { font-weight: 600; font-size: 13px; }
svg.plot .grid { stroke: var(--line); stroke-width: 1; }
svg.plot .axis { stroke: var(--quiet); stroke-width: 1; }
svg.plot .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg.plot .dashed { stroke-dasharray: 6 4; }
svg.plot .hit { fill: transparent; }
svg.plot .hit:hover { fill: currentColor; }
""".strip()
"""The looks of all plots; a page that holds them says it once."""

COLOURS = tuple(f"var(--c{number})" for number in range(8))
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def colour(number: int) -> str:
    """Gives the colour of a series."""
    return COLOURS[number % len(COLOURS)]


def canvas(width: float, height: float, name: str) -> Element:
    """Makes an empty plot; its name is read out to those who cannot see it."""
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "plot",
            "viewBox": f"0 0 {width:g} {height:g}",
            "role": "img",
            "aria-label": clean(name),
        },
    )
    return root


def clean(text: str) -> str:
    """Takes out what XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)


def line(parent: Element, x1: float, y1: float, x2: float, y2: float, kind: str) -> Element:
    """Draws a straight line."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return SubElement(parent, "line", {"class": kind, **_points(ends)})


def path(parent: Element, points: list[tuple[float, float]], stroke: str, dashed: bool) -> None:
    """Draws a line through points."""
    steps = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    kind = "line dashed" if dashed else "line"
    SubElement(parent, "path", {"class": kind, "style": f"stroke:{stroke}", "d": f"M{steps}"})


def box(
    parent: Element, x: float, y: float, width: float, height: float, fill: str, hint: str = ""
) -> None:
    """Draws a filled rectangle, with words for who points at it."""
    area = {"x": x, "y": y, "width": max(0.0, width), "height": max(0.0, height)}
    made = SubElement(parent, "rect", {"style": f"fill:{fill}", **_points(area)})
    if hint:
        SubElement(made, "title").text = clean(hint)


def dot(
    parent: Element, x: float, y: float, fill: str, hint: str, *, is_visible: bool = False
) -> None:
    """Draws a point that says what it is when pointed at; it may show only then."""
    where = _points({"cx": x, "cy": y, "r": 3.5 if is_visible else 5})
    looks = {"style": f"fill:{fill}"} if is_visible else {"class": "hit", "style": f"color:{fill}"}
    made = SubElement(parent, "circle", where | looks)
    SubElement(made, "title").text = clean(hint)


def text(
    parent: Element,
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    kind: str = "",
    turn: bool = False,
    hint: str = "",
) -> None:
    """Writes words, from bottom to top if turned."""
    where = _points({"x": x, "y": y}) | {"text-anchor": anchor}
    if kind:
        where["class"] = kind
    if turn:
        where["transform"] = f"rotate(-90 {x:.1f} {y:.1f})"
    made = SubElement(parent, "text", where)
    made.text = clean(words)
    if hint:
        SubElement(made, "title").text = clean(hint)


def width_of(words: str) -> float:
    """Says about how wide words are drawn."""
    return len(words) * _CHARACTER


def fit(words: str, width: float) -> str:
    """Shortens words to about a width."""
    most = max(1, int(width / _CHARACTER))
    return words if len(words) <= most else words[: most - 1] + "…"


def legend_rows(names: list[str], width: float) -> list[list[str]]:
    """Breaks the names of a legend into rows."""
    rows: list[list[str]] = [[]]
    used = 0.0
    for name in names:
        need = _legend_width(name)
        if rows[-1] and used + need > width:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += need
    return rows


def legend(
    parent: Element, x: float, y: float, rows: list[list[str]], colours: dict[str, str]
) -> None:
    """Names colours, row by row."""
    for number, row in enumerate(rows):
        at = x
        for name in row:
            box(parent, at, y + number * LEGEND_ROW - 9, 12, 10, colours[name])
            text(parent, at + 17, y + number * LEGEND_ROW, fit(name, 280), hint=name)
            at += _legend_width(name)


def inline(root: Element) -> str:
    """Writes a plot for a page that has STYLE."""
    return ElementTree.tostring(root, encoding="unicode")


def standalone(root: Element) -> str:
    """Writes a plot as a file of its own, on paper of its own."""
    width, height = root.attrib["viewBox"].split()[2:]
    paper = Element("rect", {"width": width, "height": height, "style": "fill:var(--paper)"})
    style = Element("style")
    style.text = STYLE
    whole = Element("svg", root.attrib | {"width": width, "height": height})
    whole.extend([style, paper, *root])
    return ElementTree.tostring(whole, encoding="unicode") + "\n"


def _legend_width(name: str) -> float:
    return 17 + min(len(name) * _CHARACTER, 280) + 16


def _points(values: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.1f}".removesuffix(".0") for name, value in values.items()}

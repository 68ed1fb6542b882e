"""From the lines on a PDF's pages to running text: headings, paragraphs, no page furniture.

A PDF only says which letters stand where. Whether a line goes on in the next one must be told from
its place, its size and its end.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_PAGE_NUMBER = re.compile(
    r"^\W*(page|p\.|seite|第)?\s*(\d{1,4}|[ivxlc]{1,6})(\s*(of|/|von|页)\s*\d*)?\W*$", re.I
)
_IN_CONTENTS = re.compile(r"(\.\s?){5,}\s*(\d+|[ivxlc]+)?$")
_ENDS_SENTENCE = re.compile(r"[.!?:;。！？：；…][\"'\u201d\u2019»)\]]*$")
_ITEM = re.compile(r"^([•◦▪●‣·*\u2013\u2014-]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+")
_BULLET = re.compile(r"^[•◦▪●‣·]\s*")
_BROKEN_WORD = re.compile(r"[^\W\d_](-|\u00ad|\u2010)$")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_TO_LETTERS = str.maketrans(_LIGATURES)

# Page furniture: so many rows at an edge of the page, apart from the text by so many heights of a
# letter, on so many pages. Twice may be chance, as on the slides of a talk.
_EDGE_ROWS = 2
_APART = 1.6
_LEAST_REPEATS = 3
# Headings are so much larger than the text. A bold or large paragraph of more characters is none.
_LARGER = 1.12
_MAX_HEADING_CHARACTERS = 200
_MAX_HEADING_LEVEL = 4
# A paragraph ends where the gap is so much wider than usual. A line that is shorter than this part
# of a full line ends where its author ended it.
_WIDER_GAP = 1.35
_SHORT = 0.6


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: its text, where it begins and how its letters look."""

    text: str
    x: float
    y: float
    size: float
    is_bold: bool = False
    is_monospaced: bool = False


def text_of_pages(pages: list[list[Line]]) -> str:
    """Joins the lines of all pages to text in the manner of Markdown."""
    lines = [
        line
        for page in _without_furniture(pages)
        for line in page
        if not _IN_CONTENTS.search(line.text)
    ]
    if not lines:  # page numbers alone are better than nothing
        lines = [line for page in pages for line in page]
    if not lines:
        return ""
    look = _Look(lines)
    words = Counter(
        re.findall(r"[^\W_]+(?:-[^\W_]+)*", " ".join(line.text for line in lines).lower())
    )
    blocks = [_block(paragraph, look, words) for paragraph in _paragraphs(lines, look)]
    return "\n\n".join(blocks).translate(_TO_LETTERS)


def _without_furniture(pages: list[list[Line]]) -> list[list[Line]]:
    """Leaves out page numbers, and what is repeated at the same place of several pages."""
    seen = Counter(key for page in pages for key in {_key(line) for line in _edges(page)})
    repeated = {key for key, count in seen.items() if count >= _LEAST_REPEATS}
    heights = {key[1] for key in repeated}

    def is_furniture(line: Line) -> bool:
        text, height = _key(line)
        if (text, height) in repeated or _PAGE_NUMBER.match(line.text):
            return True
        # A running title changes with the chapter, but not its place beside the page number.
        return height in heights and bool(re.search(r"^\d+\b|\b\d+$", line.text))

    kept = []
    for page in pages:
        dropped = {id(line) for line in _edges(page) if is_furniture(line)}
        kept.append([line for line in page if id(line) not in dropped])
    return kept


def _edges(page: list[Line]) -> list[Line]:
    """The rows at the top and at the bottom, wherever the file has them, apart from the text."""
    rows: dict[int, list[Line]] = {}
    for line in page:
        rows.setdefault(round(line.y), []).append(line)
    upwards = [rows[height] for height in sorted(rows)]
    return [line for edge in (_edge(upwards), _edge(upwards[::-1])) for line in edge]


def _edge(rows: list[list[Line]]) -> list[Line]:
    """The outermost rows up to a gap wider than that between the lines of a paragraph."""
    for count in range(min(_EDGE_ROWS, len(rows)), 0, -1):
        outer = rows[count - 1][0]
        if count == len(rows) or abs(outer.y - rows[count][0].y) > _APART * outer.size:
            return [line for row in rows[:count] for line in row]
    return []


def _key(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text), round(line.y)


class _Look:
    """How most of the text looks: what differs from it is a heading or a new paragraph."""

    def __init__(self, lines: list[Line]) -> None:
        by_size: Counter[float] = Counter()
        bold = 0
        for line in lines:
            by_size[line.size] += len(line.text)
            bold += len(line.text) * line.is_bold
        self.size = by_size.most_common(1)[0][0]
        self.is_bold = bold > sum(by_size.values()) / 2
        self.heading_sizes = sorted(
            {line.size for line in lines if line.size >= _LARGER * self.size}, reverse=True
        )
        gaps = [
            above.y - below.y
            for above, below in pairwise(lines)
            if above.size == below.size == self.size and 0 < above.y - below.y < 3 * self.size
        ]
        self.gap = median(gaps) if gaps else 1.2 * self.size
        lengths = sorted(len(line.text) for line in lines if line.size == self.size)
        self.full_length = lengths[int(0.75 * (len(lengths) - 1))]


def _paragraphs(lines: list[Line], look: _Look) -> Iterator[list[Line]]:
    paragraph: list[Line] = []
    for line in lines:
        if paragraph and _begins_paragraph(line, paragraph, look):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    yield paragraph


def _begins_paragraph(line: Line, paragraph: list[Line], look: _Look) -> bool:
    last = paragraph[-1]
    if _differs(line, last) or _ITEM.match(line.text):
        return True
    gap = last.y - line.y
    if gap < -0.5 * line.size:  # the next column or page: the sentence may go on there
        return bool(_ENDS_SENTENCE.search(last.text)) or _level(last, look) > 0
    if gap > _WIDER_GAP * look.gap * max(line.size / look.size, 1):
        return True
    is_indented = line.x - last.x > 0.8 * line.size
    return is_indented and bool(_ENDS_SENTENCE.search(last.text)) and not line.is_monospaced


def _differs(line: Line, other: Line) -> bool:
    larger, smaller = max(line.size, other.size), min(line.size, other.size)
    return (
        larger > _LARGER * smaller
        or line.is_monospaced != other.is_monospaced
        or (line.is_bold != other.is_bold and abs(line.y - other.y) > 0.5 * line.size)
    )


def _level(line: Line, look: _Look) -> int:
    """The level of the heading that the line is, 0 if it is none."""
    if line.size in look.heading_sizes:
        return min(look.heading_sizes.index(line.size) + 1, _MAX_HEADING_LEVEL)
    if line.is_bold and not look.is_bold and line.size >= look.size:
        return min(len(look.heading_sizes) + 1, _MAX_HEADING_LEVEL)
    return 0


def _block(paragraph: list[Line], look: _Look, words: Counter[str]) -> str:
    text = paragraph[0].text
    for above, line in pairwise(paragraph):
        if _BROKEN_WORD.search(text) and line.text[:1].islower():
            text = _rejoined(text, line.text, words)
        elif above.is_monospaced or len(above.text) < _SHORT * look.full_length:
            text += "\n" + line.text  # rows of a table, addresses, verses, code
        else:
            text += (" " if _is_spaced(text[-1], line.text[0]) else "") + line.text
    level = _level(paragraph[0], look)
    is_short = len(text) <= _MAX_HEADING_CHARACTERS and any(map(str.isalpha, text))
    if level and is_short and not text.endswith((".", ",", ";", "。", "，")):
        return f"{'#' * level} {' '.join(text.split())}"
    return _BULLET.sub("- ", text)


def _is_spaced(before: str, after: str) -> bool:
    """Chinese and Japanese have no spaces between words, so none belongs at a line's end."""
    return not (before >= "\u2e80" and after >= "\u2e80") or "\uac00" <= after <= "\ud7a3"


def _rejoined(text: str, following: str, words: Counter[str]) -> str:
    """Joins a word that the line's end broke, with its hyphen only if it has one elsewhere."""
    mark = text[-1]
    first = re.findall(r"[^\W_]+$", text[:-1])[0]
    second = re.match(r"[^\W_]+", following)
    compound = f"{first}-{second[0] if second else ''}".lower()
    keeps = mark != "\u00ad" and words[compound] > words[compound.replace("-", "")]
    return f"{text if keeps else text[:-1]}{following}"

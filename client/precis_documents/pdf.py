"""PDF: opens the file, reads the lines of its pages, and says what cannot be read."""

import io
import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NoReturn

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, PyPdfError

from precis_documents._pdf_text import Line, text_of_pages
from precis_documents._types import Converted, Refused

_BOLD = re.compile(r"bold|black|heavy|CMBX|CMSSBX", re.IGNORECASE)
_MONOSPACED = re.compile(r"mono|courier|consol|CMTT|typewriter|NimbusMon", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"^(untitled|microsoft (word|powerpoint)|\S+\.(docx?|dvi|tex|indd|pdf)$)", re.I
)
_DECRYPT = "qpdf --password=PASSWORD --decrypt IN.pdf OUT.pdf"
_LEAST_READABLE = 0.7


def convert(content: bytes, _: str | None = None) -> Converted:
    """Reads the text of all pages, without what stands on each of them."""
    reader = _open(content)
    pages = [_lines(page) for page in reader.pages]
    if not pages:
        raise Refused("has no pages")
    text = text_of_pages([lines for lines in pages if lines])
    if not text:
        _refuse(pages)
    if _readable_share(text) < _LEAST_READABLE:
        raise Refused(
            "has fonts that do not say which letters they draw: recognise the text first: "
            "ocrmypdf --force-ocr IN.pdf OUT.pdf"
        )
    return Converted(text, _title(reader), tuple(_notes(pages)))


def _refuse(pages: list[list[Line] | None]) -> NoReturn:
    if None in pages:
        raise Refused("is a damaged PDF (its pages cannot be read)")
    raise Refused(
        "has no text, only pictures of it (a scan?): recognise the text first: "
        "ocrmypdf IN.pdf OUT.pdf"
    )


def _notes(pages: list[list[Line] | None]) -> Iterator[str]:
    empty = [number for number, lines in enumerate(pages, start=1) if lines == []]
    damaged = [number for number, lines in enumerate(pages, start=1) if lines is None]
    if empty:
        yield f"no text on {_numbered(empty)} of {len(pages)} (pictures?)"
    if damaged:
        yield f"left out {_numbered(damaged)} of {len(pages)}: damaged"


def _open(content: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused(f"is encrypted; remove its password first: {_DECRYPT}")
        len(reader.pages)
    except DependencyError:
        # Anybody may read it, but it is encrypted all the same, in a way that pypdf leaves to
        # another package.
        raise Refused("is encrypted; decrypt it first: qpdf --decrypt IN.pdf OUT.pdf") from None
    except PyPdfError as error:
        raise Refused(f"is a damaged PDF ({type(error).__name__})") from None
    return reader


def _title(reader: PdfReader) -> str:
    try:
        title = " ".join(str((reader.metadata and reader.metadata.title) or "").split())
    except PyPdfError:
        return ""
    return "" if _NO_TITLE.match(title) else title


def _numbered(pages: list[int]) -> str:
    """Names pages in runs: "pages 1, 3-5"."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    named = ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)
    return f"page{'s' if len(pages) > 1 else ''} {named}"


def _readable_share(text: str) -> float:
    letters = [each for each in text if not each.isspace()]
    odd = sum(
        unicodedata.category(each) in ("Co", "Cn", "Cc") or each == "\ufffd" for each in letters
    )
    return 1 - odd / max(len(letters), 1)


def _lines(page: PageObject) -> list[Line] | None:
    """The page's lines; None if it cannot be read, which need not hold for the other pages."""
    collected = _Lines()
    try:
        page.extract_text(visitor_text=collected.add)
    except MemoryError:
        raise
    except Exception:  # pypdf meets what it does not expect as errors of all kinds
        return None
    return collected.finished()


class _Lines:
    """Puts the pieces that pypdf finds together to lines, with their place and letters' size."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._pieces: list[tuple[str, float, float, float, str]] = []

    def add(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        """Takes the next piece; a line break in it ends the line."""
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        scale = math.hypot(tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3])
        name = str((font or {}).get("/BaseFont", ""))
        for position, part in enumerate(text.split("\n")):
            if position > 0:
                self._end()
            if part:
                self._pieces.append((part, x, y, abs(size) * scale, name))

    def finished(self) -> list[Line]:
        """Gives the lines that hold anything but space."""
        self._end()
        return self._lines

    def _end(self) -> None:
        text = " ".join("".join(piece[0] for piece in self._pieces).split())
        seen = [piece for piece in self._pieces if piece[0].strip()]
        self._pieces = []
        if not seen:
            return
        longest = max(seen, key=lambda piece: len(piece[0]))
        self._lines.append(
            Line(
                text=text,
                x=seen[0][1],
                y=seen[0][2],
                size=round(longest[3], 1),
                is_bold=all(_BOLD.search(piece[4]) for piece in seen),
                is_monospaced=all(_MONOSPACED.search(piece[4]) for piece in seen),
            )
        )

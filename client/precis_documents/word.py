"""Word documents (.docx): headings, paragraphs, lists and tables, in their order.

Read with the standard library alone: the text lies in one XML file of the archive. Inserted text
counts and deleted text does not, as if all changes were accepted.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from precis_documents._types import Converted, Refused

_MAX_PART_BYTES = 200_000_000
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OFFICE_DOCUMENT = "/officeDocument"
_DELETED = {f"{_W}del", f"{_W}moveFrom", f"{_W}delText", f"{_W}instrText"}
_NOT_INLINE = {f"{_W}pPr", f"{_W}rPr", f"{_W}txbxContent"}
# The same drawing for older programs: reading both would double its text.
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_INLINE = {
    f"{_W}tab": "\t",
    f"{_W}br": "\n",
    f"{_W}cr": "\n",
    f"{_W}noBreakHyphen": "-",
    f"{_W}softHyphen": "",
}
# What is an archive too, by a name in it.
_OTHERS = {
    "ppt/": "a PowerPoint presentation; save it as PDF",
    "xl/": "an Excel workbook; save what is to be read as text",
    "META-INF/container.xml": "an EPUB book; convert it to HTML or text",
    "META-INF/manifest.xml": "an OpenDocument file; save it as .docx or PDF",
    "": "a ZIP archive; unpack it first: unzip FILE",
}
_NOTES = {"footnotes": "footnotes", "endnotes": "endnotes", "comments": "comments"}


def convert(content: bytes, _: str | None = None) -> Converted:
    """Reads the document's main text; headers and footers are no part of it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _convert(archive)
    except zipfile.BadZipFile:
        raise Refused("is a ZIP archive or an office document, and damaged") from None
    except (ElementTree.ParseError, NotImplementedError, KeyError) as error:
        raise Refused(f"is a damaged Word document ({type(error).__name__})") from None


def _convert(archive: zipfile.ZipFile) -> Converted:
    _refuse_others(archive.namelist())
    body = _parse(archive, _main_part(archive)).find(f"{_W}body")
    if body is None:
        raise Refused("is a damaged Word document (it has no body)")
    pieces: list[str] = []
    was_item = False
    for block, is_item in _blocks(body, _Styles(archive)):
        if pieces:
            pieces.append("\n" if is_item and was_item else "\n\n")
        pieces.append(block)
        was_item = is_item
    return Converted("".join(pieces), _title(archive), _notes(archive))


class _Styles:
    """What the styles of the document make of a paragraph: a heading, or an item of a list."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._levels: dict[str, int] = {}
        self._lists: set[str] = set()
        self._bases: dict[str, str] = {}
        if "word/styles.xml" in archive.namelist():
            for style in _parse(archive, "word/styles.xml").iter(f"{_W}style"):
                self._add(style)

    def _add(self, style: ElementTree.Element) -> None:
        style_id = style.get(f"{_W}styleId", "")
        self._bases[style_id] = _value(style.find(f"{_W}basedOn"))
        name = _value(style.find(f"{_W}name")).lower()
        level = _outline_level(style)
        if level is None and (named := re.fullmatch(r"heading ([1-9])", name)):
            level = int(named[1])
        if level is None and name == "title":
            level = 1
        if level is not None:
            self._levels[style_id] = level
        if style.find(f"{_W}pPr/{_W}numPr") is not None:
            self._lists.add(style_id)

    def level(self, paragraph: ElementTree.Element) -> int | None:
        """The level of the heading, None if the paragraph is none."""
        own = _outline_level(paragraph)
        if own is not None:
            return own
        named = (self._levels[each] for each in self._lineage(paragraph) if each in self._levels)
        return next(named, None)

    def is_item(self, paragraph: ElementTree.Element) -> bool:
        """Whether the paragraph is an item of a list."""
        if paragraph.find(f"{_W}pPr/{_W}numPr") is not None:
            return True
        return any(each in self._lists for each in self._lineage(paragraph))

    def _lineage(self, paragraph: ElementTree.Element) -> list[str]:
        """The paragraph's style, the one that it is based on, and so on."""
        found: list[str] = []
        style_id = _value(paragraph.find(f"{_W}pPr/{_W}pStyle"))
        while style_id and style_id not in found:
            found.append(style_id)
            style_id = self._bases.get(style_id, "")
        return found


def _refuse_others(members: list[str]) -> None:
    if any(member.startswith("word/") for member in members):
        return
    for beginning, what in _OTHERS.items():
        if not beginning or any(member.startswith(beginning) for member in members):
            raise Refused(f"is {what}")


def _parse(archive: zipfile.ZipFile, part: str) -> ElementTree.Element:
    info = archive.getinfo(part)
    if info.flag_bits & 1:
        raise Refused("is a ZIP archive with a password; save the document without one")
    if info.file_size > _MAX_PART_BYTES:
        raise Refused(f"unpacks to {info.file_size:,} bytes; at most {_MAX_PART_BYTES:,} are read")
    # S314: this runs in a child process with limits, and expat follows no external entity
    return ElementTree.fromstring(archive.read(info))  # noqa: S314


def _main_part(archive: zipfile.ZipFile) -> str:
    for relationship in _parse(archive, "_rels/.rels"):
        if relationship.get("Type", "").endswith(_OFFICE_DOCUMENT):
            return relationship.get("Target", "").lstrip("/")
    return "word/document.xml"


def _outline_level(element: ElementTree.Element) -> int | None:
    value = _value(element.find(f"{_W}pPr/{_W}outlineLvl"))
    return int(value) + 1 if value.isdigit() and int(value) < 9 else None  # 9 is body text


def _value(element: ElementTree.Element | None) -> str:
    return "" if element is None else element.get(f"{_W}val", "")


def _blocks(parent: ElementTree.Element, styles: _Styles) -> Iterator[tuple[str, bool]]:
    """Yields each block of text, and whether it is an item of a list."""
    for element in parent:
        if element.tag == f"{_W}p":
            yield from _paragraph(element, styles)
        elif element.tag == f"{_W}tbl":
            rows = [_row(row, styles) for row in _nearest(element, "tr")]
            if table := "\n".join(row for row in rows if row):
                yield table, False
        elif element.tag not in _DELETED | {_FALLBACK}:
            yield from _blocks(element, styles)  # content controls and the like


def _paragraph(element: ElementTree.Element, styles: _Styles) -> Iterator[tuple[str, bool]]:
    lines = "".join(_inline(element)).replace("\t", " ").splitlines()
    text = "\n".join(line for line in (" ".join(each.split()) for each in lines) if line)
    if text:
        if level := styles.level(element):
            yield f"{'#' * min(level, 6)} {' '.join(text.split())}", False
        else:
            is_item = styles.is_item(element)
            yield f"- {text}" if is_item else text, is_item
    for box in _nearest(element, "txbxContent"):
        yield from _blocks(box, styles)


def _inline(parent: ElementTree.Element) -> Iterator[str]:
    for element in parent:
        if element.tag == f"{_W}t":
            yield element.text or ""
        elif element.tag in _INLINE:
            yield _INLINE[element.tag]
        elif element.tag not in _DELETED | _NOT_INLINE | {_FALLBACK}:
            yield from _inline(element)


def _nearest(parent: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Finds the elements of a name, but none inside another one that was found."""
    for element in parent:
        if element.tag == f"{_W}{name}":
            yield element
        elif element.tag != _FALLBACK:
            yield from _nearest(element, name)


def _row(row: ElementTree.Element, styles: _Styles) -> str:
    cells = [
        " ".join(" ".join(text for text, _ in _blocks(cell, styles)).split())
        for cell in _nearest(row, "tc")
    ]
    return " | ".join(cells).rstrip() if any(cells) else ""


def _title(archive: zipfile.ZipFile) -> str:
    if "docProps/core.xml" not in archive.namelist():
        return ""
    title = _parse(archive, "docProps/core.xml").find("{http://purl.org/dc/elements/1.1/}title")
    return "" if title is None else " ".join((title.text or "").split())


def _notes(archive: zipfile.ZipFile) -> tuple[str, ...]:
    found = []
    for part, what in _NOTES.items():
        if f"word/{part}.xml" in archive.namelist():
            texts = _parse(archive, f"word/{part}.xml").iter(f"{_W}t")
            if any((text.text or "").strip() for text in texts):
                found.append(what)
    return (f"left out: {', '.join(found)}",) if found else ()

"""Reads what the command line names: documents and certificates."""

import codecs
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What a file begins with that is no text, what it is called, and the usual way to its text.
_NO_TEXT = {
    b"%PDF-": ("a PDF", "pdftotext {file} - | precis summarize -"),
    b"PK\x03\x04": ("a ZIP archive or an office document", ""),
    b"\xd0\xcf\x11\xe0": ("an office document", ""),
    b"\x1f\x8b": ("gzip", "gzip -dc {file} | precis summarize -"),
}


class UnusableInput(Exception):
    """A file that cannot be used; the message names it and says why, in one line."""


def read_document(name: str, encoding: str = "utf-8") -> str:
    """Reads a document from a file, or from standard input when the name is "-".

    A byte-order mark at the start is no part of the document.
    """
    if re.match("https?://", name) and not Path(name).exists():
        raise UnusableInput(
            f"{name}: a page is not fetched; fetch it and give its text: "
            f"curl -s {shlex.quote(name)} | ... | precis summarize -"
        )
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise UnusableInput(f"--encoding: {encoding!r} is unknown") from None
    content = _read(name, sys.stdin.buffer.read) if name == "-" else read_file(name)
    _refuse_what_is_no_text(name, content)
    try:
        # Not the codec utf-8-sig: it counts the offset in an error from behind the mark.
        return content.decode(encoding).removeprefix("\ufeff")
    except (UnicodeError, LookupError) as error:
        raise UnusableInput(f"{_shown(name)}: {_why(content, encoding, error)}") from None


def _refuse_what_is_no_text(name: str, content: bytes) -> None:
    for beginning, (kind, way) in _NO_TEXT.items():
        if content.startswith(beginning):
            file = "-" if name == "-" else shlex.quote(name)
            remedy = f"try: {way.format(file=file)}" if way else "save it as text first"
            raise UnusableInput(f"{_shown(name)}: looks like {kind}; {remedy}")


def _why(content: bytes, encoding: str, error: Exception) -> str:
    for mark, marked in _MARKS.items():
        if content.startswith(mark) and encoding == "utf-8":
            return f"looks like {marked.upper()}; try --encoding {marked}"
    where = ""
    if isinstance(error, UnicodeDecodeError) and error.start < len(content):
        where = f" (byte {content[error.start]:#04x} at offset {error.start})"
    remedy = "" if encoding != "utf-8" else "; if it is text, name its encoding: --encoding gb18030"
    return f"not {encoding.upper()} text{where}{remedy}"


def read_file(name: str) -> bytes:
    """Reads a file whole."""
    return _read(name, Path(name).read_bytes)


def _read(name: str, reader: Callable[[], bytes]) -> bytes:
    try:
        return reader()
    except OSError as error:
        raise UnusableInput(f"{_shown(name)}: {error.strerror or error}") from None


def _shown(name: str) -> str:
    return "standard input" if name == "-" else name

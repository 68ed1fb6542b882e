"""Reads what the command line names: documents and certificates."""

import codecs
import re
import shlex
import sys
from pathlib import Path

from precis_documents import Document, UnreadableDocument
from precis_documents import read_document as read


class UnusableInput(Exception):
    """A file that cannot be used; the message names it and says why, in one line."""


def read_document(name: str, encoding: str | None = None) -> Document:
    """Reads a document from a file, or from standard input when the name is "-"."""
    if re.match("https?://", name) and not Path(name).exists():
        raise UnusableInput(
            f"{name}: a page is not fetched; fetch it first: "
            f"curl -s {shlex.quote(name)} | precis summarize -"
        )
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise UnusableInput(f"--encoding: {encoding!r} is unknown") from None
    try:
        if name == "-":
            return read(sys.stdin.buffer, "standard input", encoding=encoding)
        return read(name, encoding=encoding)
    except UnreadableDocument as error:
        remedy = f": --encoding {error.encoding}" if error.encoding else ""
        raise UnusableInput(f"{error}{remedy}") from None
    except OSError as error:
        raise _unreadable(name, error) from None


def read_file(name: str) -> bytes:
    """Reads a file whole."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> UnusableInput:
    shown = "standard input" if name == "-" else name
    return UnusableInput(f"{shown}: {error.strerror or error}")

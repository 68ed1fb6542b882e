"""Reads what the command line names: documents and certificates."""

import sys
from collections.abc import Callable
from pathlib import Path


class UnusableInput(Exception):
    """A file that cannot be used; the message names it and says why, in one line."""


def read_document(name: str) -> str:
    """Reads a UTF-8 document from a file, or from standard input when the name is "-".

    A byte-order mark at the start is no part of the document.
    """
    content = _read(name, sys.stdin.buffer.read) if name == "-" else read_file(name)
    try:
        # Not the codec utf-8-sig: it counts the offset in an error from behind the mark.
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        where = f"byte {content[error.start]:#04x} at offset {error.start}"
        raise UnusableInput(f"{_shown(name)}: not UTF-8 text ({where})") from None


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

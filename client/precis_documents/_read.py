"""Reads a document: finds out what it is, and has it converted."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from precis_documents._child_process import convert
from precis_documents._decode import decode
from precis_documents._kinds import kind_of
from precis_documents._types import Document, Kind, Limits, Refused, UnreadableDocument

# Each is run in a child process, by this name.
CONVERTERS: dict[Kind, str] = {
    Kind.PDF: "precis_documents.pdf:convert",
    Kind.WEB_PAGE: "precis_documents.web_page:convert",
    Kind.WORD: "precis_documents.word:convert",
    Kind.EMAIL: "precis_documents.email_message:convert",
    Kind.SUBTITLES: "precis_documents.subtitles:convert",
}
_DEFAULT_LIMITS = Limits()


def read_document(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    name: str | None = None,
    *,
    encoding: str | None = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> Document:
    """Reads a document from a path, from its bytes or from an open binary file.

    `name` helps to tell what the document is, and is what errors call it; without one it is the
    path. `encoding` is that of text, subtitles and web pages. Without one a page's own declaration
    holds, else UTF-8.

    Raises UnreadableDocument for what cannot be read, and OSError if there is no such file.
    """
    if name is None:
        name = os.fspath(source) if isinstance(source, str | os.PathLike) else "document"
    try:
        content = _content(source, limits.max_bytes)
        return _read(content, name, encoding, limits)
    except Refused as refused:
        raise UnreadableDocument(name, refused.why, refused.encoding) from None


def _read(content: bytes, name: str, encoding: str | None, limits: Limits) -> Document:
    kind = kind_of(content, name)
    if kind in CONVERTERS:
        converted = convert(CONVERTERS[kind], content, encoding, limits)
        document = Document(kind=kind, **asdict(converted))
    else:
        document = Document(decode(content, encoding), kind)
    if not document.text.strip():
        raise Refused("has no text")
    return document


def _content(source: str | os.PathLike[str] | bytes | BinaryIO, max_bytes: int) -> bytes:
    if isinstance(source, bytes):
        if len(source) > max_bytes:
            raise Refused(_too_large(f"{len(source):,}", max_bytes))
        return source
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return _content(file, max_bytes)
    content = source.read(max_bytes + 1)  # a pipe may have no end
    if len(content) > max_bytes:
        raise Refused(_too_large(f"more than {max_bytes:,}", max_bytes))
    return content


def _too_large(size: str, max_bytes: int) -> str:
    return f"has {size} bytes; at most {max_bytes:,} are read"

"""Bytes to text, strictly: what does not fit its encoding is refused with advice."""

import codecs

from precis_documents._types import Refused

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(content: bytes, encoding: str | None = None) -> str:
    """Decodes text, by default as UTF-8. A byte-order mark at the start is no part of the text."""
    name = encoding or "utf-8"
    try:
        # Not the codec utf-8-sig: it counts the offset in an error from behind the mark.
        text = content.decode(name).removeprefix("\ufeff")
    except (UnicodeError, LookupError) as error:
        raise _refusal(content, name, error) from None
    if "\0" in text:
        where = f"a NUL character at position {text.index(chr(0)):,}"
        raise Refused(f"is binary data ({where}); if it is text, name its encoding", "utf-16-le")
    return text


def marked_encoding(content: bytes) -> str | None:
    """Names the encoding whose byte-order mark the content begins with, unless it is UTF-8's."""
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)


def _refusal(content: bytes, encoding: str, error: Exception) -> Refused:
    marked = marked_encoding(content)
    if marked and encoding == "utf-8":
        return Refused(f"looks like {marked.upper()}; name its encoding", marked)
    where = ""
    if isinstance(error, UnicodeDecodeError) and error.start < len(content):
        where = f" (byte {content[error.start]:#04x} at offset {error.start})"
    why = f"not {encoding.upper()} text{where}"
    if encoding != "utf-8":
        return Refused(why)
    return Refused(f"{why}; if it is text, name its encoding", "gb18030")

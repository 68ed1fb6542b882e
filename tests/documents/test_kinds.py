"""Telling what a document is, and naming what holds no text."""

import pytest

from precis_documents import Kind
from precis_documents._kinds import kind_of
from precis_documents._types import Refused

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"%PDF-1.7", "a.txt", Kind.PDF),
        (b"\n\njunk %PDF-1.7", "a", Kind.PDF),
        (b"PK\x03\x04", "a.zip", Kind.WORD),
        (b"words", "a.htm", Kind.WEB_PAGE),
        (b"words", "A.HTML", Kind.WEB_PAGE),
        (b"\xef\xbb\xbf\n<!DOCTYPE html>", "a", Kind.WEB_PAGE),
        (b"<html>", "page.pdf", Kind.WEB_PAGE),
        (b"<html>", "about-html.txt", Kind.TEXT),
        (b"WEBVTT\n", "-", Kind.SUBTITLES),
        (b"words", "a.vtt", Kind.SUBTITLES),
        (b"Subject: x", "a.eml", Kind.EMAIL),
        (b"Subject: x", "a", Kind.TEXT),
        (b"words", "README.md", Kind.MARKDOWN),
        (b"print()", "a.py", Kind.TEXT),
        (b"BMW and MZ are makes of motorcycles.", "a", Kind.TEXT),
        (b"MZ is another.", "a", Kind.TEXT),
        (b"ID3 is a set of tags.", "a", Kind.TEXT),
    ],
)
def test_a_kind_is_told_by_the_beginning_then_by_the_name(
    content: bytes, name: str, kind: Kind
) -> None:
    assert kind_of(content, name) is kind


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x89PNG\r\n\x1a\n", "is a PNG image; only its text could be summarised"),
        (b"\xff\xd8\xff\xe0", "is a JPEG image"),
        (b"GIF89a\1\0", "is a GIF image"),
        (b"BM\x36\0\0\0", "is a BMP image"),
        (b"RIFF\0\0\0\0WEBPVP8", "is a WebP image"),
        (b"\0\0\0\x18ftypheic", "is a HEIC or AVIF image"),
        (b"\0\0\0\x18ftypisom", "is a film"),
        (b"ID3\4\0\0", "is an MP3 recording"),
        (b"\x7fELF\2", "is a Linux program"),
        (b"MZ\x90\0", "is a Windows program"),
        (b"\x1f\x8b\x08", "is a gzip archive; unpack it first: gzip -d FILE"),
        (b"x" * 257 + b"ustar", "is a tar archive"),
        (b"{\\rtf1", "is an RTF document; save it as .docx"),
        (OLE, "is an office document of an old format; save it as .docx or PDF"),
        (OLE + "WordDocument".encode("utf-16-le"), "is a Word document of the old format (.doc)"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "is an office document with a password"),
        (OLE + "__substg1.0_".encode("utf-16-le"), "is an Outlook message (.msg); save it as .eml"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_holds_no_text_is_named(content: bytes, why: str) -> None:
    with pytest.raises(Refused) as caught:
        kind_of(content, "file")
    assert caught.value.why.startswith(why)


@pytest.mark.parametrize("name", ["inbox.mbox", "page.mht", "page.mhtml"])
def test_formats_that_hold_several_parts_are_refused_with_advice(name: str) -> None:
    with pytest.raises(Refused, match="save"):
        kind_of(b"From: a\n", name)

"""What a document is: told by how its bytes begin, then by its name."""

from pathlib import PurePath

from precis_documents._types import Kind, Refused

_KINDS_BY_SUFFIX = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
    ".html": Kind.WEB_PAGE,
    ".htm": Kind.WEB_PAGE,
    ".xhtml": Kind.WEB_PAGE,
    ".eml": Kind.EMAIL,
    ".srt": Kind.SUBTITLES,
    ".vtt": Kind.SUBTITLES,
}
_REFUSED_SUFFIXES = {
    ".mbox": "is a mailbox; save one message of it as .eml",
    ".mht": "is a web archive; save the page as HTML",
    ".mhtml": "is a web archive; save the page as HTML",
}
# How a file begins that holds no text, and what that is.
_NO_TEXT = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\0": "a TIFF image",
    b"MM\0*": "a TIFF image",
    b"BM": "a BMP image",
    b"AT&TFORM": "a DjVu document",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\0": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x7fELF": "a Linux program",
    b"MZ": "a Windows program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a Java class or a macOS program",
    b"\0asm": "a WebAssembly program",
    b"ID3": "an MP3 recording",
    b"OggS": "an Ogg recording",
    b"fLaC": "a FLAC recording",
    b"\x1aE\xdf\xa3": "a Matroska or WebM film",
    b"SQLite format 3\0": "a SQLite database",
    b"%!PS": "a PostScript document",
    b"{\\rtf": "an RTF document",
}
# Two letters may begin a text as well: then only what follows tells.
_AMBIGUOUS = (b"BM", b"MZ", b"BZh", b"ID3", b"GIF8", b"OggS", b"fLaC")
_UNPACK = {
    "a gzip archive": "unpack it first: gzip -d FILE",
    "a bzip2 archive": "unpack it first: bzip2 -d FILE",
    "an xz archive": "unpack it first: xz -d FILE",
    "a Zstandard archive": "unpack it first: zstd -d FILE",
    "a PostScript document": "make a PDF of it first: ps2pdf FILE",
    "an RTF document": "save it as .docx",
}
_IN_RIFF = {b"WEBP": "a WebP image", b"WAVE": "a WAV recording", b"AVI ": "an AVI film"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IN_OLE = {
    "EncryptedPackage": "is an office document with a password; save it without one",
    "WordDocument": "is a Word document of the old format (.doc); save it as .docx",
    "PowerPoint Document": "is a presentation of the old format (.ppt); save it as PDF",
    "Workbook": "is a workbook of the old format (.xls); save what is to be read as text",
    "__substg1.0_": "is an Outlook message (.msg); save it as .eml",
}


def kind_of(content: bytes, name: str) -> Kind:
    """Finds out what a document is, or refuses it by what it is."""
    if not content.strip():
        raise Refused("is empty" if not content else "is blank")
    if b"%PDF-" in content[:1024]:
        return Kind.PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.WORD  # its reader tells other archives, in the child process
    if content.startswith(_OLE):
        raise Refused(_named_in(content))
    if what := _what_is_no_text(content):
        raise Refused(f"is {what}; {_UNPACK.get(what, 'only its text could be summarised')}")
    suffix = PurePath(name).suffix.lower()
    if suffix in _REFUSED_SUFFIXES:
        raise Refused(_REFUSED_SUFFIXES[suffix])
    return _KINDS_BY_SUFFIX.get(suffix) or _kind_of_text(content)


def _what_is_no_text(content: bytes) -> str | None:
    if content.startswith(b"RIFF") and content[8:12] in _IN_RIFF:
        return _IN_RIFF[content[8:12]]
    if content[4:8] == b"ftyp":
        return "a HEIC or AVIF image" if content[8:11] in (b"hei", b"avi", b"mif") else "a film"
    if content[257:262] == b"ustar":
        return "a tar archive"
    for beginning, what in _NO_TEXT.items():
        if content.startswith(beginning) and not (
            beginning in _AMBIGUOUS and _looks_like_text(content)
        ):
            return what
    return None


def _looks_like_text(content: bytes) -> bool:
    beginning = content[:1024]
    return min(beginning) >= ord("\t") and b"\x7f" not in beginning


def _named_in(content: bytes) -> str:
    for stream, what in _IN_OLE.items():
        if stream.encode("utf-16-le") in content:
            return what
    return "is an office document of an old format; save it as .docx or PDF"


def _kind_of_text(content: bytes) -> Kind:
    beginning = content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if beginning.startswith((b"<!doctype html", b"<html")):
        return Kind.WEB_PAGE
    return Kind.SUBTITLES if beginning.startswith(b"webvtt") else Kind.TEXT

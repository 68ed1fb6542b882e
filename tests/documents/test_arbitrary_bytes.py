"""Whatever the bytes are, reading them ends with a document or with a refusal."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from precis_documents import Limits, UnreadableDocument, _child, _read, read_document
from precis_documents._child_process import _outcome
from precis_documents._types import Converted
from tests.documents import files

PDF = files.pdf([files.Put("A report of some words.", 700)], title="The report")
WORD = files.docx(files.p("A document."))
EMAIL = (
    b"Subject: Hello\nFrom: ann@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx"
)
PAGE = b"<!doctype html><title>The page</title><table><tr><td><ul><li>words</table>"
SUBTITLES = b"1\n00:00:01,000 --> 00:00:02,000\nA line.\n"
NAMES = ["a", "a.txt", "a.html", "a.eml", "a.srt", "a.pdf", "a.docx"]


@st.composite
def nearly_documents(draw: st.DrawFn) -> bytes:
    """Bytes of a sound document, with some of them replaced, left out or doubled."""
    content = draw(st.sampled_from([PDF, WORD, EMAIL, PAGE, SUBTITLES]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.integers(0, 20))
        between = draw(st.one_of(st.binary(max_size=8), st.just(content[start:end] * 2)))
        content = content[:start] + between + content[end:]
    return content


def converted_here(
    converter: str, content: bytes, encoding: str | None, limits: Limits
) -> Converted:
    """What the child process does, without the process: a thousand of those would take long."""
    return _outcome(_child._outcome(converter, content, encoding, limits), limits)


@pytest.fixture(scope="module", autouse=True)
def _no_processes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_read, "convert", converted_here)
        yield


@settings(max_examples=300)
@given(
    content=st.one_of(st.binary(max_size=200), nearly_documents()),
    name=st.sampled_from(NAMES),
    encoding=st.sampled_from([None, "utf-16", "gb18030", "base64"]),
)
def test_no_bytes_raise_anything_but_a_refusal(
    content: bytes, name: str, encoding: str | None
) -> None:
    try:
        document = read_document(content, name, encoding=encoding)
    except UnreadableDocument as error:
        why = error.why
    else:
        why = ""
        assert document.text.strip()
        assert "\0" not in document.text
    assert why.isprintable()

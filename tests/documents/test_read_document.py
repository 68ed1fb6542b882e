"""Reading any document: what comes back, what is refused, and what no file can do to its reader."""

import io
import os
import re
from pathlib import Path

import pytest

from precis_documents import Document, Kind, Limits, UnreadableDocument, read_document
from precis_documents._read import CONVERTERS
from tests.documents import files

PDF = files.pdf([files.Put("A report of some words.", 700)], title="The report")
WORD = files.docx(files.p("A document."))
EMAIL = b"Subject: Hello\nFrom: ann@example.org\n\nA message.\n"
PAGE = b"<!doctype html><title>The page</title><p>A page of words."
MANUAL = (Path(__file__).parents[2] / "docs" / "documents.md").read_text("utf-8")
SUBTITLES = b"1\n00:00:01,000 --> 00:00:02,000\nA line.\n"


def refusal(content: bytes, name: str = "file", limits: Limits | None = None) -> str:
    """Why the content is refused."""
    with pytest.raises(UnreadableDocument) as caught:
        read_document(content, name, limits=limits or Limits())
    assert str(caught.value) == f"{name}: {caught.value.why}"
    return caught.value.why


def put(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """Puts a bad converter in the place of the one for subtitles."""
    monkeypatch.setitem(CONVERTERS, Kind.SUBTITLES, f"tests.documents.bad_converters:{function}")


@pytest.mark.parametrize(
    ("name", "content", "document"),
    [
        ("a.txt", b"Some text.\n", Document("Some text.\n", Kind.TEXT)),
        ("a.md", b"\xef\xbb\xbf# Title", Document("# Title", Kind.MARKDOWN)),
        ("a", PDF, Document("A report of some words.", Kind.PDF, "The report")),
        ("a", WORD, Document("A document.", Kind.WORD)),
        ("a", PAGE, Document("# The page\n\nA page of words.", Kind.WEB_PAGE, "The page")),
        (
            "a.eml",
            EMAIL,
            Document("Subject: Hello\nFrom: ann@example.org\n\nA message.", Kind.EMAIL, "Hello"),
        ),
        ("a.srt", SUBTITLES, Document("A line.", Kind.SUBTITLES)),
    ],
    ids=["text", "markdown", "pdf", "word", "page", "email", "subtitles"],
)
def test_each_kind_is_read(tmp_path: Path, name: str, content: bytes, document: Document) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert read_document(path) == document


def test_bytes_and_open_files_are_read_too() -> None:
    assert read_document(EMAIL, "a.eml").title == "Hello"
    assert read_document(io.BytesIO(EMAIL), "a.eml").title == "Hello"
    assert read_document(b"Some text.").kind is Kind.TEXT


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_document(tmp_path / "nothing.txt")


def test_an_encoding_is_that_of_text_pages_and_subtitles() -> None:
    for name, content in [("a.txt", b"Fl\xfcge"), ("a.html", b"<p>Fl\xfcge"), ("a.vtt", SUBTITLES)]:
        assert read_document(content, name, encoding="latin-1").text
    assert read_document(b"<p>Fl\xfcge", "a.html", encoding="latin-1").text == "Fl\u00fcge"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is blank"),
        ("\u3000\u2003".encode(), "has no text"),
        (b"<html><body><script>1</script></body></html>", "has no text"),
        (files.docx(""), "has no text"),
    ],
    ids=["empty", "blank", "wide spaces", "page", "word"],
)
def test_what_holds_no_text_is_refused(content: bytes, why: str) -> None:
    assert refusal(content) == why


def test_text_in_another_encoding_is_refused_with_one_to_try() -> None:
    for text, encoding in [("a", "utf-16"), ("a", "utf-32"), ("\u4e00\u6761\u6cb3", "gb18030")]:
        with pytest.raises(UnreadableDocument) as caught:
            read_document(text.encode(encoding))
        assert caught.value.encoding == encoding
    assert refusal(b"a\0b\0") == (
        "is binary data (a NUL character at position 1); if it is text, name its encoding"
    )


def test_a_size_above_the_limit_is_refused(tmp_path: Path) -> None:
    limits = Limits(max_bytes=1000)
    assert refusal(b"x" * 1001, limits=limits) == "has 1,001 bytes; at most 1,000 are read"
    assert read_document(b"x" * 1000, limits=limits).text == "x" * 1000
    endless = tmp_path / "endless"
    os.mkfifo(endless)
    with open(endless, "r+b", buffering=0) as file:  # a pipe that is never at its end
        file.write(b"x" * 2000)
        with pytest.raises(UnreadableDocument, match="has more than 1,000 bytes"):
            read_document(endless, limits=limits)


def test_the_program_of_the_manual_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)
    (tmp_path / "report.pdf").write_bytes(PDF)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/documents.md", "exec"), {})  # noqa: S102  # our own page
    assert capsys.readouterr().out == "Kind.PDF The report 23 ()\n"


def test_the_default_limits_are_those_that_the_manual_names() -> None:
    for said in ("20 MB", "20 seconds", "1 GiB", "20 million characters"):
        assert said in MANUAL
    assert Limits() == Limits(20_000_000, 20_000_000, 20.0, 2**30)


def test_a_parser_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "hangs")
    assert refusal(SUBTITLES, "a.srt", Limits(seconds=0.5)) == (
        "took longer than 0.5 s to read; it is very large, or damaged"
    )


def test_a_parser_cannot_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "eats_memory")
    limits = Limits(memory_bytes=200 << 20)
    assert refusal(SUBTITLES, "a.srt", limits) == "needs more than 200 MiB to be read"


@pytest.mark.parametrize(
    ("function", "how"),
    [
        ("crashes", "the parser ended by SIGSEGV"),
        ("leaves", "the parser ended with 3"),
        ("exits", "SystemExit"),
        ("recurses", "RecursionError"),
    ],
)
def test_a_parser_that_fails_costs_its_document_only(
    monkeypatch: pytest.MonkeyPatch, function: str, how: str
) -> None:
    put(monkeypatch, function)
    assert refusal(SUBTITLES, "a.srt") == f"cannot be read; it may be damaged ({how})"


def test_what_a_parser_prints_is_no_part_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "talks")
    assert read_document(SUBTITLES, "a.srt").text == "An answer."


def test_a_text_that_grows_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "writes_much")
    limits = Limits(max_characters=1000)
    assert refusal(SUBTITLES, "a.srt", limits) == (
        "has 1,001 characters of text; at most 1,000 are read"
    )


def test_a_text_is_cleaned_of_what_no_message_can_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "writes_what_is_no_text")
    document = read_document(SUBTITLES, "a.srt")
    assert (document.text, document.title) == ("AB? C\n\tD", "title")


def test_a_missing_parser_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(monkeypatch, "misses_a_parser")
    assert refusal(SUBTITLES, "a.srt") == (
        "to read it the package pypdf is needed: pip install 'precis-client[documents]'"
    )


def test_the_child_is_limited_and_apart_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(monkeypatch, "sees")
    assert read_document(SUBTITLES, "a.srt").text == f"{1 << 30} 1"

"""`precis summarize` with documents of several kinds: what is sent, what is refused, and why."""

import json
import sys
from pathlib import Path

import pytest

from precis_client.cli import main
from precis_documents import Kind
from precis_documents._read import CONVERTERS
from tests.documents.files import Put, archive, docx, p, pdf
from tests.fakes.scripted_summarizer import ScriptedServer

Captured = pytest.CaptureFixture[str]
EMAIL = b"""\
Subject: Hello
From: ann@example.org
Content-Type: multipart/mixed; boundary=b

--b

See the report.
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=report.pdf

x
--b--
"""
FILES = {
    "report.pdf": pdf([Put("A report.", 700)]),
    "page.html": b"<h1>A page</h1><p>Some words.",
    "notes.docx": docx(p("Some notes.")),
    "mail.eml": EMAIL,
    "talk.srt": b"1\n00:00:01,000 --> 00:00:02,000\nANN: Some talk.\n",
    "talk.vtt": b"WEBVTT\n\n00:01.000 --> 00:02.000\nMore talk.\n",
    "plain.txt": b"Some text.",
    "scan.pdf": pdf([], picture=True),
    "photo.jpg": b"\xff\xd8\xff\xe0",
    "all.zip": archive({"a.txt": "text"}),
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRECIS_ADDRESS", server.address)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)


def test_each_kind_is_sent_as_text(server: ScriptedServer, capsys: Captured) -> None:
    names = ["report.pdf", "page.html", "notes.docx", "mail.eml", "talk.srt", "talk.vtt"]
    assert main(["summarize", *names]) == 0
    assert {request.document for request in server.summarizer.requests} == {
        "A report.",
        "# A page\n\nSome words.",
        "Some notes.",
        "Subject: Hello\nFrom: ann@example.org\n\nSee the report.",
        "ANN: Some talk.",
        "More talk.",
    }
    out, err = capsys.readouterr()
    assert all(f"==> {name} <==" in out for name in names)
    assert err == "precis: mail.eml: note: 1 attachment was not read: report.pdf\n"


def test_what_cannot_be_read_is_named_and_the_others_go_on(
    server: ScriptedServer, capsys: Captured
) -> None:
    assert main(["summarize", "scan.pdf", "plain.txt", "photo.jpg", "all.zip"]) == 2
    assert [request.document for request in server.summarizer.requests] == ["Some text."]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(";")[0].split(",")[0] for line in lines] == [
        "precis: scan.pdf: has no text",
        "precis: photo.jpg: is a JPEG image",
        "precis: all.zip: is a ZIP archive",
    ]


def test_a_file_that_crashes_its_parser_costs_no_other(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, capsys: Captured
) -> None:
    monkeypatch.setitem(CONVERTERS, Kind.PDF, "tests.documents.bad_converters:crashes")
    assert main(["summarize", "--json", "report.pdf", "plain.txt"]) == 2
    assert [request.document for request in server.summarizer.requests] == ["Some text."]
    out, err = capsys.readouterr()
    bad, good = (json.loads(line) for line in out.splitlines())
    why = "report.pdf: cannot be read; it may be damaged (the parser ended by SIGSEGV)"
    assert (bad["file"], bad["error"]["message"]) == ("report.pdf", why)
    assert good["summary"] == "A short summary."
    assert err == f"precis: {why}\n"


def test_a_missing_parser_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setitem(CONVERTERS, Kind.PDF, "tests.documents.bad_converters:misses_a_parser")
    assert main(["summarize", "report.pdf"]) == 2
    assert capsys.readouterr().err == (
        "precis: report.pdf: to read it the package pypdf is needed: "
        "pip install 'precis-client[documents]'\n"
    )


def test_a_document_may_come_from_a_pipe(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "report.pdf") as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert main(["summarize", "-"]) == 0
    assert server.summarizer.requests[0].document == "A report."

"""Files that are no UTF-8 text: read if their encoding is named, refused with advice if not."""

import io
import sys
from pathlib import Path

import pytest

from precis_client.cli import main
from precis_client.cli.inputs import UnusableInput, read_document
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Reply, ScriptedServer, response

TEXT = "Ein Fluß. 一条河。"
Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "gb18030", "UTF-8"])
def test_the_encoding_can_be_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "text"
    path.write_bytes(TEXT.encode(encoding))
    assert read_document(str(path), encoding).text == TEXT


def test_the_option_reaches_every_file(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_bytes(path.name.encode("utf-16"))
    arguments = ["summarize", "--address", server.address, "--encoding", "utf-16"]
    assert main([*arguments, *map(str, paths)]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("three".encode("utf-16"))))
    assert main([*arguments, "-"]) == 0
    sent = {request.document for request in server.summarizer.requests}
    assert sent == {"one", "two", "three"}


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (b"\x1f\x8b\x08", None, "is a gzip archive; unpack it first: gzip -d FILE"),
        ("a".encode("utf-16"), None, "looks like UTF-16; name its encoding: --encoding utf-16"),
        ("a".encode("utf-32"), None, "looks like UTF-32; name its encoding: --encoding utf-32"),
        (
            "一条河".encode("gb18030"),
            None,
            "not UTF-8 text (byte 0xcc at offset 2); if it is text, name its encoding: "
            "--encoding gb18030",
        ),
        (b"\xff", "ascii", "not ASCII text (byte 0xff at offset 0)"),
        (b"a", "base64", "not BASE64 text"),
        (b" \n", None, "is blank"),
    ],
    ids=["gzip", "utf-16", "utf-32", "gb18030", "ascii", "base64", "blank"],
)
def test_what_cannot_be_read_is_refused_with_advice(
    tmp_path: Path, content: bytes, encoding: str | None, said: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnusableInput) as caught:
        read_document(str(path), encoding)
    assert str(caught.value) == f"{path}: {said}"


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match="--encoding: 'klingon' is unknown"):
        read_document(str(tmp_path), "klingon")


def test_a_url_is_not_fetched() -> None:
    with pytest.raises(UnusableInput, match=r"is not fetched.*curl -s 'https://e.org/\?a=b'"):
        read_document("https://e.org/?a=b")


@pytest.mark.parametrize("options", [[], ["--stream"]], ids=["whole", "stream"])
def test_a_warning_is_printed_beside_the_summary(
    server: ScriptedServer, article: Path, capsys: Captured, options: list[str]
) -> None:
    warning = pb.SummaryWarning(
        code=pb.WARNING_CODE_LANGUAGE_NOT_SUPPORTED, message="looks like German"
    )
    server.summarizer.default = Reply(message=response(warnings=[warning]))
    assert main(["summarize", "--address", server.address, str(article), *options]) == 0
    assert capsys.readouterr() == ("A short summary.\n", "precis: note: looks like German\n")

    assert main(["summarize", "--address", server.address, str(article), str(article)]) == 0
    assert capsys.readouterr().err == f"precis: {article}: note: looks like German\n" * 2

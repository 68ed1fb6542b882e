"""How the command fails: one line on stderr and an exit code that says which kind it was."""

import io
import re
import sys
from pathlib import Path

import grpc
import pytest

from precis_client.cli import main
from tests.fakes.scripted_summarizer import Hang, Outcome, Refusal, Reply, ScriptedServer

Captured = pytest.CaptureFixture[str]
Code = grpc.StatusCode
NAME_IT = "; if it is text, name its encoding: --encoding gb18030"


@pytest.fixture
def address(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PRECIS_ADDRESS", server.address)
    return server.address


def one_line(capsys: Captured) -> str:
    """Reads what was said on stderr, which must be a line, with nothing on stdout."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err.removesuffix("\n")


@pytest.mark.parametrize(
    ("outcome", "exit_code", "said"),
    [
        (
            Refusal(
                Code.INVALID_ARGUMENT,
                violations=(("options.max_tokens", "9999 is above 128"), ("style", "no 'x'")),
            ),
            2,
            "precis: options.max_tokens: 9999 is above 128; style: no 'x' [request abc]",
        ),
        (
            Refusal(Code.UNIMPLEMENTED, violations=(("options.num_beams", "is not served"),)),
            2,
            "precis: options.num_beams: is not served [request abc]",
        ),
        (Refusal(Code.NOT_FOUND, "no model 'x'"), 2, "precis: no model 'x' [request abc]"),
        (
            Refusal(Code.UNAVAILABLE, "it is\nshutting down"),
            3,
            "precis: ADDRESS is not ready: it is shutting down [request abc]",
        ),
        (
            Refusal(Code.RESOURCE_EXHAUSTED, "the queue is full", retry_after_s=1.5),
            4,
            "precis: ADDRESS is overloaded: the queue is full (try again in 1.5 s) [request abc]",
        ),
        (
            Refusal(Code.RESOURCE_EXHAUSTED, "the queue is full"),
            4,
            "precis: ADDRESS is overloaded: the queue is full (try again later) [request abc]",
        ),
        (
            Hang(),
            5,
            "precis: no answer from ADDRESS within --timeout: Deadline Exceeded [request abc]",
        ),
        (Refusal(Code.INTERNAL, "a fault"), 1, "precis: a fault [request abc]"),
        (
            Refusal(Code.UNAUTHENTICATED, "no key"),
            1,
            "precis: ADDRESS denies access: no key (see --token-file) [request abc]",
        ),
    ],
    ids=lambda value: getattr(getattr(value, "code", None), "name", None),
)
def test_each_refusal_has_its_line_and_its_exit_code(
    outcome: Outcome,
    exit_code: int,
    said: str,
    article: Path,
    address: str,
    server: ScriptedServer,
    capsys: Captured,
) -> None:
    server.summarizer.default = outcome
    timeout = ["--timeout", "0.1"] if isinstance(outcome, Hang) else []

    assert main(["summarize", str(article), "--request-id", "abc", *timeout]) == exit_code

    assert one_line(capsys) == said.replace("ADDRESS", address)


@pytest.mark.parametrize("output", ["--stream", "--json"])
def test_a_refusal_is_told_in_the_same_line_however_the_summary_was_to_be_printed(
    output: str, article: Path, address: str, server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.default = Refusal(Code.NOT_FOUND, "no model 'x'")

    assert main(["summarize", str(article), "--model", "x", output]) == 2

    assert one_line(capsys) == "precis: no model 'x' [request made-by-server]"


def test_an_unreachable_server_is_named(
    article: Path, unused_address: str, capsys: Captured
) -> None:
    assert main(["summarize", str(article), "--address", unused_address]) == 3

    assert one_line(capsys).startswith(f"precis: cannot reach {unused_address} (see --address): ")


def test_a_stream_that_breaks_off_ends_its_line_before_the_complaint(
    article: Path, address: str, server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.default = Reply(pieces=("So far",), has_final=False)

    assert main(["summarize", str(article), "--stream"]) == 1

    assert capsys.readouterr() == (
        "So far\n",
        "precis: the server ended the stream without its final message\n",
    )


def test_a_document_too_large_for_a_message_is_told_with_the_limit(
    article: Path, address: str, server: ScriptedServer, capsys: Captured
) -> None:
    size = "has 5000005 bytes, at most 4194304 are taken"
    server.summarizer.default = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"(message): {size}",
        "MESSAGE_TOO_LARGE",
        violations=(("(message)", size),),
    )

    assert main(["summarize", str(article)]) == 2

    assert one_line(capsys) == (
        f"precis: the document is too large for one message: {size} [request made-by-server]"
    )


def test_a_document_far_beyond_a_message_is_told_with_the_limit_of_grpc(
    article: Path, address: str, capsys: Captured
) -> None:
    article.write_text("x" * 5_000_000)

    assert main(["summarize", str(article)]) == 2

    assert re.fullmatch(
        r"precis: the document is too large for one message: .*5000\d+ vs\. 4194304.*",
        one_line(capsys),
    )


def test_a_missing_file_is_named_and_nothing_is_sent(
    address: str, server: ScriptedServer, capsys: Captured
) -> None:
    assert main(["summarize", "no/such/file.txt"]) == 2

    assert one_line(capsys) == "precis: no/such/file.txt: No such file or directory"
    assert server.summarizer.requests == []


def test_a_folder_is_no_document(tmp_path: Path, capsys: Captured) -> None:
    assert main(["summarize", str(tmp_path)]) == 2

    assert one_line(capsys) == f"precis: {tmp_path}: Is a directory"


def test_a_file_that_is_not_utf_8_is_named_with_the_place(article: Path, capsys: Captured) -> None:
    article.write_bytes(b"caf\xe9")

    assert main(["summarize", str(article)]) == 2

    assert one_line(capsys) == f"precis: {article}: not UTF-8 text (byte 0xe9 at offset 3){NAME_IT}"


def test_the_place_is_that_in_the_file_behind_a_byte_order_mark_too(
    article: Path, capsys: Captured
) -> None:
    article.write_bytes(b"\xef\xbb\xbfcaf\xe9")

    assert main(["summarize", str(article)]) == 2

    assert one_line(capsys) == f"precis: {article}: not UTF-8 text (byte 0xe9 at offset 6){NAME_IT}"


def test_standard_input_that_is_not_utf_8_is_named_as_such(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))

    assert main(["summarize", "-"]) == 2

    assert (
        one_line(capsys)
        == f"precis: standard input: not UTF-8 text (byte 0xff at offset 0){NAME_IT}"
    )


def test_a_missing_certificate_file_is_named(article: Path, capsys: Captured) -> None:
    assert main(["summarize", str(article), "--tls-ca", "no/ca.pem"]) == 2

    assert one_line(capsys) == "precis: no/ca.pem: No such file or directory"


@pytest.mark.parametrize("flags", [["--stream"], ["--request-id", "abc"]], ids=lambda each: each[0])
def test_what_means_one_file_takes_one_file(
    flags: list[str], article: Path, capsys: Captured
) -> None:
    assert main(["summarize", str(article), str(article), *flags]) == 2

    assert one_line(capsys) == f"precis: {flags[0]} takes one file, 2 were named"

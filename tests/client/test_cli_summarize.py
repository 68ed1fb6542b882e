"""`precis summarize` against a real gRPC server that answers by script."""

import io
import json
import re
import sys
from pathlib import Path

import grpc
import pytest

from precis_client.cli import main
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Refusal, Reply, ScriptedServer, response

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def default_address(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECIS_ADDRESS", server.address)


@pytest.fixture
def two_articles(tmp_path: Path) -> list[str]:
    """Writes a document that is answered and, named last, one that a test may have refused."""
    paths = [tmp_path / "good.txt", tmp_path / "bad.txt"]
    for path in paths:
        path.write_text(path.stem)
    return [str(path) for path in paths]


def test_the_summary_is_printed_and_nothing_else(article: Path, capsys: Captured) -> None:
    assert main(["summarize", str(article)]) == 0

    assert capsys.readouterr() == ("A short summary.\n", "")


def test_the_document_is_sent_as_it_stands_in_the_file(
    article: Path, server: ScriptedServer
) -> None:
    article.write_bytes("第一行\r\n第二行\n".encode())

    main(["summarize", str(article)])

    assert server.summarizer.requests[0].document == "第一行\r\n第二行\n"


def test_a_byte_order_mark_is_no_part_of_the_document(
    article: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = "\ufeffA document.".encode()
    article.write_bytes(marked)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(marked)))

    main(["summarize", str(article)])
    main(["summarize", "-"])

    assert [request.document for request in server.summarizer.requests] == ["A document."] * 2


def test_a_dash_reads_standard_input(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("从管道来".encode()), "ascii"))

    assert main(["summarize", "-"]) == 0

    assert server.summarizer.requests[0].document == "从管道来"


def test_every_option_reaches_the_server(article: Path, server: ScriptedServer) -> None:
    arguments = """--style headline --language zh --model precis-default --model-version 2.0.0
        --long-document cover --attribution sentence --offset-unit byte --request-id abc
        --max-tokens 40 --min-tokens 0 --num-beams 1 --temperature 0.5 --top-k 50 --top-p 0.5
        --seed 18446744073709551615 --length-penalty -0.5 --repetition-penalty 1.5
        --no-repeat-ngram-size 3 --num-summaries 2 --min-p 0.25 --no-early-stopping
        --words 30 --sentences 2 --order rank --bullets
        --prefix We --ban novel --no-speculation --no-repeat-word-ngram-size 4
        --no-only-source-facts"""

    main(["summarize", str(article), *arguments.split(), "--ban", "in this paper"])

    assert server.summarizer.requests == [
        pb.SummarizeRequest(
            document=article.read_text("utf-8"),
            style="headline",
            language="zh",
            model="precis-default",
            model_version="2.0.0",
            long_document_policy=pb.LONG_DOCUMENT_POLICY_COVER,
            attribution=pb.ATTRIBUTION_LEVEL_SENTENCE,
            length=pb.Length(words=30, sentences=2),
            sentence_order=pb.SENTENCE_ORDER_RANK,
            bullets=True,
            offset_unit=pb.OFFSET_UNIT_BYTE,
            request_id="abc",
            options=pb.DecodingOptions(
                max_tokens=40,
                min_tokens=0,
                num_beams=1,
                temperature=0.5,
                top_k=50,
                top_p=0.5,
                seed=2**64 - 1,
                length_penalty=-0.5,
                repetition_penalty=1.5,
                no_repeat_ngram_size=3,
                num_summaries=2,
                min_p=0.25,
                early_stopping=False,
                prefix="We",
                banned_phrases=["novel", "in this paper"],
                speculation=False,
                no_repeat_word_ngram_size=4,
                only_source_facts=False,
            ),
        )
    ]


@pytest.mark.parametrize("flag", ["--beams", "--num-beams"])
def test_beams_have_two_names(article: Path, server: ScriptedServer, flag: str) -> None:
    main(["summarize", str(article), flag, "4"])

    assert server.summarizer.requests[0].options == pb.DecodingOptions(num_beams=4)


TWO = [pb.Alternative(summary="One.", score=-0.25), pb.Alternative(summary="Two.", score=-0.5)]


def test_several_summaries_are_printed_with_rank_and_score(
    article: Path, server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.default = Reply(message=response("One.", alternatives=TWO))

    main(["summarize", str(article), "--num-summaries", "2"])

    assert capsys.readouterr().out == "[1, score -0.25]\nOne.\n\n[2, score -0.5]\nTwo.\n"


def test_after_a_stream_come_the_other_summaries(
    article: Path, server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.default = Reply(("One.",), response("One.", alternatives=TWO))

    main(["summarize", str(article), "--beams", "2", "--num-summaries", "2", "--stream"])

    assert capsys.readouterr().out == "One.\n\n[2, score -0.5]\nTwo.\n"


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_who_sampled_without_a_seed_is_told_it(
    article: Path, server: ScriptedServer, capsys: Captured, more: list[str]
) -> None:
    server.summarizer.default = Reply(message=response(seed=7))

    main(["summarize", str(article), "--temperature", "1", *more])
    main(["summarize", str(article), "--temperature", "1", "--seed", "7", *more])

    assert capsys.readouterr().err == "precis: sampled; --seed 7 gives the same again\n"


def test_who_asked_for_speculation_is_told_why_there_was_none(
    article: Path, server: ScriptedServer, capsys: Captured
) -> None:
    decoding = pb.Decoding(speculation_off="beam search drafts nothing")
    server.summarizer.default = Reply(message=response(decoding=decoding))

    main(["summarize", str(article), "--beams", "4", "--speculation"])
    main(["summarize", str(article), "--beams", "4"])

    assert capsys.readouterr().err == "precis: speculation was off: beam search drafts nothing\n"


def test_json_is_the_whole_reply(article: Path, server: ScriptedServer, capsys: Captured) -> None:
    server.summarizer.default = Reply(message=response("一句话。"))

    main(["summarize", str(article), "--json"])

    printed = capsys.readouterr().out
    assert json.loads(printed) == {
        "summary": "一句话。",
        "alternatives": [],
        "finish_reason": "stop",
        "usage": {
            "document_characters": 101,
            "source_tokens": 102,
            "source_tokens_dropped": 103,
            "summary_tokens": 104,
            "chunks": 105,
        },
        "timings": {
            "queue_s": 0.001,
            "tokenize_s": 0.002,
            "encode_s": 0.003,
            "decode_s": 0.25,
            "total_s": 1.5,
        },
        "model": "scripted",
        "model_version": "1.2.3",
        "attributions": [],
        "request_id": "made-by-server",
        "seed": None,
        "decoding": {
            "method": "greedy",
            "steps": 106,
            "drafted_tokens": 107,
            "accepted_tokens": 108,
            "speculation_off": "",
        },
        "warnings": [],
        "reading": {"way": "unspecified", "spans": []},
        "sentences": [],
    }
    assert "一句话。" in printed


def test_a_stream_is_printed_piece_by_piece_and_ends_its_line(
    article: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []

    class Terminal(io.StringIO):
        def flush(self) -> None:
            flushed.append(self.getvalue())

    monkeypatch.setattr(sys, "stdout", Terminal())

    assert main(["summarize", str(article), "--stream"]) == 0

    assert flushed[:3] == ["A short ", "A short summary.", "A short summary.\n"]


def test_a_stream_as_json_is_one_event_a_line(article: Path, capsys: Captured) -> None:
    main(["summarize", str(article), "--stream", "--json"])

    *deltas, final = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert deltas == [
        {"delta": {"text": "A short ", "summary_tokens": 1}},
        {"delta": {"text": "summary.", "summary_tokens": 2}},
    ]
    assert final["final"]["summary"] == "A short summary."


def test_several_files_are_printed_under_their_names(
    two_articles: list[str], capsys: Captured
) -> None:
    assert main(["summarize", *two_articles]) == 0

    good, bad = two_articles
    assert capsys.readouterr() == (
        f"==> {bad} <==\nA short summary.\n==> {good} <==\nA short summary.\n",
        "",
    )


def test_one_failed_file_leaves_the_others(
    two_articles: list[str], server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.script["bad"] = Refusal(
        grpc.StatusCode.INVALID_ARGUMENT, violations=(("document", "it is too long"),)
    )

    assert main(["summarize", *two_articles]) == 2

    good, bad = two_articles
    out, err = capsys.readouterr()
    assert out == f"==> {good} <==\nA short summary.\n"
    said = re.escape(f"precis: {bad}: document: it is too long [request ITEM]\n")
    assert re.fullmatch(said.replace("ITEM", "[0-9a-f]{8}-1"), err)


def test_two_runs_do_not_share_the_ids_of_their_items(
    two_articles: list[str], server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.INVALID_ARGUMENT)

    main(["summarize", *two_articles])
    main(["summarize", *two_articles])

    ids = re.findall(r"\[request (.*)\]", capsys.readouterr().err)
    assert len(set(ids)) == 4


def test_files_that_cannot_be_read_leave_the_others(
    two_articles: list[str], tmp_path: Path, capsys: Captured
) -> None:
    first, last = two_articles
    Path(last).write_bytes(b"caf\xe9")

    assert main(["summarize", "no/such.txt", first, str(tmp_path), last]) == 2

    assert capsys.readouterr() == (
        f"==> {first} <==\nA short summary.\n",
        "precis: no/such.txt: No such file or directory\n"
        f"precis: {tmp_path}: Is a directory\n"
        f"precis: {last}: not UTF-8 text (byte 0xe9 at offset 3)"
        "; if it is text, name its encoding: --encoding gb18030\n",
    )


def test_where_no_file_can_be_read_nothing_is_sent(
    server: ScriptedServer, capsys: Captured
) -> None:
    assert main(["summarize", "no/such.txt", "nor/this.txt"]) == 2

    assert capsys.readouterr().out == ""
    assert server.summarizer.metadata == []


def test_a_file_that_cannot_be_read_has_its_line_of_json(
    two_articles: list[str], capsys: Captured
) -> None:
    assert main(["summarize", two_articles[0], "no/such.txt", "--json"]) == 2

    unread, answered = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert unread["file"] == "no/such.txt"
    assert unread["error"]["message"] == "no/such.txt: No such file or directory"
    assert answered["file"] == two_articles[0]


def test_several_files_as_json_are_one_object_a_line(
    two_articles: list[str], server: ScriptedServer, capsys: Captured
) -> None:
    server.summarizer.script["bad"] = Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full", "QUEUE_FULL", retry_after_s=1.5
    )

    assert main(["summarize", *two_articles, "--json"]) == 4

    good, bad = two_articles
    refused, answered = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert refused == {
        "file": bad,
        "error": {
            "code": "RESOURCE_EXHAUSTED",
            "reason": "QUEUE_FULL",
            "message": "the queue is full",
            "field_violations": [],
            "retry_after_s": 1.5,
        },
    }
    assert (answered["file"], answered["summary"]) == (good, "A short summary.")


def test_files_that_fail_for_different_reasons_are_a_failure_otherwise(
    two_articles: list[str], server: ScriptedServer
) -> None:
    server.summarizer.script["good"] = Refusal(grpc.StatusCode.INVALID_ARGUMENT)
    server.summarizer.script["bad"] = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED)

    assert main(["summarize", *two_articles]) == 1

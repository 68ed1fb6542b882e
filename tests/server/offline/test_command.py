"""`python -m server.offline`: JSON lines in, JSON lines out, and what is said of bad ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.offline.__main__ import main
from server.offline.records import RecordError, read_record
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.server.runtime.documents import ROOT
from tests.server.service_harness import CHINESE, ENGLISH

SHORT = {"max_tokens": 4}


def run(*lines: Any, options: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
    return subprocess.run(
        [sys.executable, "-m", "server.offline", str(DEFAULT_BUNDLE), "--threads", "1", *options],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def answers(outcome: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def test_every_line_has_its_answer_in_order_and_its_own_options() -> None:
    outcome = run(
        {"document": ENGLISH, "options": {"max_tokens": 40}},
        {"document": CHINESE, "id": "zh", "style": "detailed", "options": SHORT},
        {"document": "Hello world", "id": 7},
        {"document": ENGLISH, "options": {"num_beams": 2, "num_summaries": 2, **SHORT}},
        {"document": ENGLISH, "options": {"temperature": 1, "seed": 3, **SHORT}},
        options=("--style", "headline"),
    )
    assert outcome.returncode == 0, outcome.stderr
    plain, chinese, short, beams, sample = answers(outcome)
    assert [each["id"] for each in (plain, chinese, short, beams, sample)] == [1, "zh", 7, 4, 5]
    assert plain["finish_reason"] == "stop", "a headline is short"
    assert plain["method"] == "greedy"
    assert plain["source_tokens"] > 100
    assert "seed" not in plain
    assert "warnings" not in plain
    assert chinese["finish_reason"] == "length"
    assert chinese["summary"] in outcome.stdout, "text is written as it is, not escaped"
    assert short["summary"] == "Hello world"
    assert short["warnings"][0]["code"] == "document returned"
    assert beams["alternatives"][0]["summary"] == beams["summary"]
    assert sample["seed"] == 3
    assert outcome.stderr.startswith("5 documents in ")


def test_a_wrong_line_ends_the_run_after_those_before_it_are_answered() -> None:
    outcome = run(
        {"document": ENGLISH, "options": SHORT},
        {"document": CHINESE, "options": {"num_beams": 99}},
        {"document": CHINESE},
        options=("--quiet",),
    )
    assert outcome.returncode == 2
    assert outcome.stderr == "error: line 2: options.num_beams: is 99, must be from 1 to 16\n"
    assert [each["id"] for each in answers(outcome)] == [1]


def test_a_line_that_is_no_request_ends_it_too() -> None:
    outcome = run({"document": ENGLISH, "options": SHORT}, "{", options=("--quiet", "--keep-going"))
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("error: line 2: is not JSON: ")
    assert len(answers(outcome)) == 1


def test_keeping_going_the_error_stands_in_the_summary_s_place() -> None:
    outcome = run(
        {"document": ENGLISH * 8, "id": "long", "long_documents": "refuse"},
        {"document": ENGLISH, "options": SHORT},
        options=("--keep-going", "--quiet"),
    )
    refused, written = answers(outcome)
    assert refused["id"] == "long"
    assert refused["error"]["reason"] == "INVALID_REQUEST"
    assert "at most 1022 are read at once" in refused["error"]["message"]
    assert written["summary"]
    assert outcome.returncode == 1
    assert outcome.stderr == "error: 1 of 2 lines have no summary\n"


def test_no_lines_have_no_answers() -> None:
    outcome = run(options=("--quiet",))
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_a_bundle_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "manifest.json: the file is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: BUNDLE"),
        (["x", "--rows", "2000"], "'2000' given, a whole number from 0 to 1024 expected"),
        (["x", "--threads", "two"], "'two' given, a whole number from 0 to 1024 expected"),
    ],
)
def test_a_wrong_command_line_is_told(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err


def test_a_package_that_is_missing_is_told_with_how_to_install_it() -> None:
    program = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from server.offline.__main__ import main; sys.exit(main(['bundle']))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 2
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("error: the package 'onnxruntime' is not installed here.")
    assert "pip install" in line


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    request = json.dumps({"document": ENGLISH, "options": SHORT}) + "\n"
    command = [sys.executable, "-m", "server.offline", str(DEFAULT_BUNDLE), "--quiet"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.write(request.encode())
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"[1]", "must be an object, found list"),
        (b"\n", "is not JSON: "),
        (b'{"document": "\xff"}', "is not UTF-8: byte 0xff at 14"),
        (b'{"document": 5}', "document must be of type str, found int 5"),
        (b'{"document": "x", "text": "x"}', "has unknown keys \\['text'\\]; known are \\['attr"),
        (b'{"document": "x", "options": {"beams": 2}}', "options has unknown keys \\['beams'\\]"),
        (b'{"document": "x", "options": {"top_k": 1.5}}', "options.top_k must be of type int"),
        (b'{"document": "x", "id": true}', "id must be a text or a whole number, found bool"),
        (b'{"source_ids": [1, "2"]}', "source_ids\\[1\\] must be of type int, found str '2'"),
    ],
)
def test_what_is_wrong_with_a_line_is_told_by_field(line: bytes, problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        read_record(line, 1)


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read_record(b'\xef\xbb\xbf{"document": "x"}', 1).request.document == "x"

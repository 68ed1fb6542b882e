"""The command as a process of its own: its pipes, its signals and its output's encoding."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import precis_client
from tests.fakes.scripted_summarizer import Hang, Reply, ScriptedServer, response

CLIENT = Path(precis_client.__file__).parent.parent
GENEROUS_S = 60


@pytest.fixture(autouse=True)
def _interrupts_are_heard() -> Iterator[None]:
    """Shells start background jobs with SIGINT ignored, and what is ignored is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def environment(server: ScriptedServer) -> dict[str, str]:
    """Points the command at the scripted server, in a terminal that knows only ASCII."""
    return os.environ | {
        "PYTHONPATH": str(CLIENT),
        "PRECIS_ADDRESS": server.address,
        "PYTHONIOENCODING": "ascii",
    }


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "precis_client.cli", *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_pipe_gets_utf_8_whatever_the_terminal_says(
    server: ScriptedServer, environment: dict[str, str]
) -> None:
    server.summarizer.default = Reply(message=response("一句话。"))

    with start(environment, "summarize", "-") as process:
        out, err = process.communicate("一篇长文。".encode(), timeout=GENEROUS_S)

    assert (out.decode(), err, process.returncode) == ("一句话。\n", b"", 0)
    assert server.summarizer.requests[0].document == "一篇长文。"


def test_an_interrupt_cancels_the_call_and_ends_quietly(
    article: Path, server: ScriptedServer, environment: dict[str, str]
) -> None:
    server.summarizer.default = Hang(pieces=("So far",))

    with start(environment, "summarize", str(article), "--stream") as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"So far"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=GENEROUS_S)

    assert (out, err, process.returncode) == (b"\n", b"", 130)
    assert server.summarizer.call_was_cancelled.wait(GENEROUS_S)


def test_a_reader_that_goes_away_ends_the_command_quietly(
    article: Path, server: ScriptedServer, environment: dict[str, str]
) -> None:
    server.summarizer.default = Reply(pieces=("word " * 1000,) * 100)

    with start(environment, "summarize", str(article), "--stream") as process:
        assert process.stdout is not None
        assert process.stdout.read(5) == b"word "
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(GENEROUS_S)

    assert (err, process.returncode) == (b"", 141)


def test_an_unreachable_server_is_told_without_the_log_lines_of_grpc(
    article: Path, unused_address: str, environment: dict[str, str]
) -> None:
    with start(environment, "summarize", str(article), "--address", unused_address) as process:
        out, err = process.communicate(timeout=GENEROUS_S)

    assert (out, process.returncode) == (b"", 3)
    assert err.count(b"\n") == 1
    assert err.startswith(b"precis: cannot reach ")

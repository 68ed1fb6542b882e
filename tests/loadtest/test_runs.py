"""Whole runs, as a user starts them, against a real gRPC server that answers by script.

Locust runs in processes of its own, for it patches the standard library.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

import precis_client
from loadtest.exits import Exit
from loadtest.results import read_run
from tests.fakes.scripted_summarizer import Refusal, ScriptedServer, serve_script

REPOSITORY = Path(__file__).parents[2]
CLIENT = Path(precis_client.__file__).parent.parent
GENEROUS_S = 100

SCENARIO = """
description = "Everything, quickly"

[corpus]
folders = ["examples"]
language = "any"
tokens = [1, 1000]

[[mix]]
call = "Summarize"
label = "whole"

[[mix]]
call = "SummarizeStream"

[[mix]]
call = "SummarizeBatch"
batch_size = 3

[[phases]]
name = "open"
rate = 40
seconds = 1.5

[[phases]]
name = "closed"
users = 3
think_s = 0.05
seconds = 1.5

[slo]
error_rate = 0
dropped_rate = 0
"""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Runs a server that answers by script."""
    with serve_script() as scripted:
        yield scripted


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "everything.toml"
    path.write_text(SCENARIO)
    return path


def start(server: ScriptedServer, *options: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "loadtest", "run", *map(str, options)),
            *("--target", server.address, "--metrics-url", "none"),
        ],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(CLIENT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_make_the_whole_load_and_its_report(
    server: ScriptedServer, scenario: Path, tmp_path: Path
) -> None:
    process = start(server, scenario, "--output", tmp_path / "out", "--processes", "2")
    out, errors = process.communicate(timeout=GENEROUS_S)

    assert process.returncode == Exit.PASSED, errors
    assert "passed  open: error_rate <= 0" in out
    run = read_run(tmp_path / "out" / "result.json")
    opened, closed = run.phases
    assert opened.offered == opened.ok
    # Sixty are expected in 1.5 s; the seed draws the same number in every run.
    assert 40 < opened.offered < 80
    assert closed.ok > 10
    kinds = {name for name in opened.distributions if name.startswith("latency/")}
    assert kinds == {
        *("latency/Summarize", "latency/SummarizeStream", "latency/SummarizeBatch"),
        "latency/whole",
    }
    assert "first delta" in opened.distributions
    assert run.recipe["generators"] == "2"
    assert (tmp_path / "out" / "report.html").is_file()
    documents = [request.document for request in server.summarizer.requests]
    assert len(documents) == len(set(documents))


def test_an_interrupted_run_writes_what_was_measured_until_then(
    server: ScriptedServer, scenario: Path, tmp_path: Path
) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED)
    options = ("--output", tmp_path / "out", "--time-factor", "100")
    process = start(server, scenario, *options)
    while len(server.summarizer.requests) < 10:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=GENEROUS_S)

    assert process.returncode == Exit.INTERRUPTED, errors
    assert "The run ended early" in out
    run = read_run(tmp_path / "out" / "result.json")
    assert not run.complete
    (phase,) = run.phases
    assert phase.statuses["RESOURCE_EXHAUSTED"] > 0
    assert "Traceback" not in errors

"""Short headless runs of Locust against a real gRPC server that answers by script.

Locust runs in a process of its own, for it patches the standard library.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

import precis_client
from tests.fakes.scripted_summarizer import Refusal, Reply, ScriptedServer, serve_script

REPOSITORY = Path(__file__).parents[2]
CLIENT = Path(precis_client.__file__).parent.parent
GENEROUS_S = 100


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Runs a server that answers by script."""
    with serve_script() as scripted:
        yield scripted


def run_locust(address: str, results: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs four users for three seconds; Locust writes its tables each second."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "loadtest", "--headless", "--host", address),
            *("--users", "4", "--spawn-rate", "100", "--run-time", "3s"),
            *("--csv", str(results), *options),
        ],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(CLIENT)},
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_a_run_has_rows_for_both_kinds_of_call_and_for_the_feel_of_a_stream(
    server: ScriptedServer, tmp_path: Path
) -> None:
    run = run_locust(server.address, tmp_path / "run", "--style", "headline")

    assert run.returncode == 0, run.stderr
    rows = {(row["Type"], row["Name"]): row for row in read_table(tmp_path / "run_stats.csv")}
    calls = {("unary", "Summarize"), ("stream", "SummarizeStream")}
    extras = {
        ("stream", f"SummarizeStream {name}")
        for name in ("first delta (ms)", "between deltas (ms)", "tokens/s")
    }
    total = ("", "Aggregated")
    assert rows.keys() == calls | extras | {total}
    assert all(int(row["Request Count"]) > 0 for row in rows.values())
    assert int(rows[total]["Request Count"]) == sum(
        int(rows[each]["Request Count"]) for each in calls
    )
    assert float(rows[("stream", "SummarizeStream tokens/s")]["Average Response Time"]) > 0
    assert {request.style for request in server.summarizer.requests} == {"headline"}
    assert "Traceback" not in run.stderr


def test_a_run_with_refusals_fails_and_counts_them_by_status(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED)

    run = run_locust(server.address, tmp_path / "run")

    assert run.returncode == 1
    failures = read_table(tmp_path / "run_failures.csv")
    assert {(row["Method"], row["Name"], row["Error"]) for row in failures} == {
        ("unary", "Summarize", "RESOURCE_EXHAUSTED"),
        ("stream", "SummarizeStream", "RESOURCE_EXHAUSTED"),
    }
    assert "grpc-previous-rpc-attempts" not in server.summarizer.metadata[-1]


def test_a_stream_without_its_final_message_is_a_failure(
    server: ScriptedServer, tmp_path: Path
) -> None:
    server.summarizer.default = Reply(has_final=False)

    run = run_locust(server.address, tmp_path / "run", "StreamingUser")

    assert run.returncode == 1
    (failure,) = read_table(tmp_path / "run_failures.csv")
    assert failure["Error"] == "NO_FINAL_MESSAGE"


def test_a_corpus_without_documents_is_told_before_anything_is_sent(
    server: ScriptedServer, tmp_path: Path
) -> None:
    run = run_locust(server.address, tmp_path / "run", "--corpus", str(tmp_path))

    assert run.returncode == 1
    assert run.stderr.endswith(f"loadtest: {tmp_path} has no documents (*.txt or *.jsonl)\n")
    assert server.summarizer.requests == []

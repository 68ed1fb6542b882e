"""The plain Locust user, in a short headless run against a server that answers by script.

Locust runs in a process of its own, for it patches the standard library.
"""

import csv
import os
import subprocess
import sys
from pathlib import Path

import grpc

import precis_client
from tests.fakes.scripted_summarizer import Refusal, serve_script

REPOSITORY = Path(__file__).parents[2]
CLIENT = Path(precis_client.__file__).parent.parent
GENEROUS_S = 100


def test_every_kind_of_call_has_its_rows_and_a_refusal_is_counted_by_its_status(
    tmp_path: Path,
) -> None:
    with serve_script() as server:
        refused = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, times=1)
        server.summarizer.default = refused
        subprocess.run(
            [
                *(sys.executable, "-m", "locust", "--locustfile", "loadtest/locustfile.py"),
                *("--headless", "--host", server.address, "--users", "4", "--spawn-rate", "100"),
                *("--run-time", "6s", "--csv", str(tmp_path / "run")),
            ],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(CLIENT)))},
            capture_output=True,
            timeout=GENEROUS_S,
            check=False,
        )

    with (tmp_path / "run_stats.csv").open(newline="", encoding="utf-8") as table:
        rows = {row["Name"]: row for row in csv.DictReader(table)}
    assert {"Summarize", "SummarizeStream", "SummarizeBatch"} <= rows.keys()
    assert {
        *("SummarizeStream first piece (ms)", "SummarizeStream between pieces (ms)"),
        "SummarizeStream tokens/s",
    } <= rows.keys()
    calls = sum(int(rows[name]["Request Count"]) for name in ("Summarize", "SummarizeStream"))
    assert 0 < calls <= int(rows["Aggregated"]["Request Count"])
    with (tmp_path / "run_failures.csv").open(newline="", encoding="utf-8") as table:
        failures = [row["Error"] for row in csv.DictReader(table)]
    assert failures == ["RESOURCE_EXHAUSTED"]
    assert "grpc-previous-rpc-attempts" not in server.summarizer.metadata[-1]

"""How long the server takes to be ready, and what it weighs."""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.recipe import recipe
from precis_client import Client

_PATIENCE_S = 60
_POLL_S = 0.01
_AT_ONCE = 16
# By default a channel that found nobody tries again after a second, which would be measured too.
_IMPATIENT = [
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 20),
    ("grpc.max_reconnect_backoff_ms", 20),
]


def measure_startup(bundle: Path, document: Path, *, runs: int, port: int) -> dict[str, Any]:
    """Starts the server `runs` times.

    Each time it waits for SERVING, summarises and looks at the server's memory.
    """
    text = document.read_text("utf-8")
    ready_s, rss_ready_mb, rss_used_mb, rss_burst_mb = [], [], [], []
    for _ in range(runs):
        with _server(bundle, port) as (process, seconds):
            ready_s.append(seconds)
            rss_ready_mb.append(_rss_mb(process.pid))
            with Client(f"localhost:{port}") as client:
                for _ in range(20):
                    client.summarize(text)
                rss_used_mb.append(_rss_mb(process.pid))
                for result in client.batch([text] * _AT_ONCE):
                    result.unwrap()
                rss_burst_mb.append(_rss_mb(process.pid))
    return {
        "recipe": recipe(bundle=bundle.name, runs=runs, document=document.name),
        "ready_seconds": round(statistics.median(ready_s), 2),
        "ready_seconds_all": [round(seconds, 2) for seconds in ready_s],
        "rss_ready_mb": round(statistics.median(rss_ready_mb)),
        "rss_after_20_summaries_mb": round(statistics.median(rss_used_mb)),
        "rss_after_16_at_once_mb": round(statistics.median(rss_burst_mb)),
        "bundle_mb": round(sum(f.stat().st_size for f in bundle.iterdir()) / 1e6, 1),
    }


def startup_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    names = {
        "ready_seconds": "process start to health SERVING, s (median)",
        "rss_ready_mb": "resident memory when ready, MB",
        "rss_after_20_summaries_mb": "resident memory after 20 summaries, MB",
        "rss_after_16_at_once_mb": "resident memory after the same abstract 16 times at once, MB",
        "bundle_mb": "bundle on disk, MB",
    }
    rows = [f"| {name} | {report[key]} |" for key, name in names.items()]
    return "\n".join(["| what | figure |", "| --- | --- |", *rows])


@contextmanager
def _server(bundle: Path, port: int) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    command = [sys.executable, "-m", "server", "--bundle", str(bundle)]
    command += ["--port", str(port), "--metrics-port", "0", "--log-level", "error"]
    started_s = time.perf_counter()
    process = subprocess.Popen(command)  # noqa: S603 - our own server
    try:
        with grpc.insecure_channel(f"localhost:{port}", options=_IMPATIENT) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            while not _is_serving(stub):
                if process.poll() is not None or time.perf_counter() - started_s > _PATIENCE_S:
                    raise RuntimeError("the server did not become ready")
                time.sleep(_POLL_S)
        yield process, time.perf_counter() - started_s
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _is_serving(stub: Any) -> bool:
    try:
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None, "Linux tells the resident memory of every process"
    return int(found[1]) * 1024 / 1e6

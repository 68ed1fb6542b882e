"""More load than a server can take: what it still answers, how fast it refuses, what it wastes."""

import os
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.recipe import recipe
from benchmarks.serving.documents import COUNT, TOKENS, write_documents
from benchmarks.serving.load import Load, LoadFailed
from benchmarks.serving.processes import free_port, running_process
from loadtest.measure.recorder import LATENCY, REFUSAL
from loadtest.results import Phase
from model.progress import ProgressBar

_SEED = 2026
# Twice the rows, so that a row that becomes free is taken at once.
_USERS_OF_PEAK = 32
_PATIENT_S = 120.0
_WARM_UP_S = 15.0
_SAMPLE_S = 1.0


@dataclass(frozen=True)
class Case:
    """One load on a server of its own."""

    times: float
    deadline_s: float
    # False: the server as it was, which lets everybody in.
    by_time: bool = True


CASES = (
    Case(2, 30),
    Case(2, 5),
    Case(4, 30),
    Case(4, 5),
    Case(4, 30, by_time=False),
    Case(4, 5, by_time=False),
)


@dataclass(frozen=True)
class Setting:
    """What every load has in common."""

    bundle: Path
    home: Path
    seconds: float
    threads: int

    @property
    def documents(self) -> Path:
        """The folder of what is sent."""
        return self.home / "documents"


def measure_overload(setting: Setting) -> dict[str, Any]:
    """Measures the peak with callers who wait, then each case with callers who do not."""
    write_documents(setting.bundle, setting.documents)
    seconds = setting.seconds
    with _serving(setting, by_time=True) as server:
        phase = {"name": "peak", "users": _USERS_OF_PEAK, "seconds": seconds}
        peak = _put_on(server, setting, phase, deadline_s=_PATIENT_S).throughput
    if not peak:
        raise LoadFailed(f"{_USERS_OF_PEAK} users had no answer within {seconds:.0f} s")
    return {
        "recipe": recipe(
            threads=setting.threads,
            documents=f"{COUNT} of {TOKENS} tokens, English and Chinese",
            peak=f"{_USERS_OF_PEAK} callers who wait, {seconds:g} s",
            arrivals=f"Poisson, {seconds:g} s a case, the first {_WARM_UP_S:g} s left out",
            seed=_SEED,
            placement="server and generator share all cores",
            load_before=round(os.getloadavg()[0], 1),
        ),
        "peak": round(peak, 2),
        "cases": [
            _measure(case, peak, setting)
            for case in ProgressBar(CASES, desc=f"peak {peak:.1f}/s; loads", unit="load")
        ],
    }


def _measure(case: Case, peak: float, setting: Setting) -> dict[str, Any]:
    rate = float(f"{case.times * peak:.3g}")
    name = f"{case.times:g}x-{case.deadline_s:g}s-{'by-time' if case.by_time else 'before'}"
    phase = {"name": name, "rate": rate, "seconds": setting.seconds, "in_flight": 8192}
    with _serving(setting, by_time=case.by_time) as server, _watched(server.pid) as memory_mb:
        found = _put_on(server, setting, phase, deadline_s=case.deadline_s)
        dropped = _dropped(server)
    refusal, latency = found.distributions.get(REFUSAL), found.distributions.get(LATENCY)
    half = len(memory_mb) // 2
    return {
        "times": case.times,
        "rate": rate,
        "deadline_s": case.deadline_s,
        "by_time": case.by_time,
        "offered": found.offered,
        "goodput": round(found.throughput, 2),
        "of_peak": round(found.throughput / peak, 3),
        "answered_p50_ms": latency and latency.p50,
        "answered_p99_ms": latency and latency.p99,
        "refused": found.statuses.get("RESOURCE_EXHAUSTED", 0),
        "refusal_p50_ms": refusal and refusal.p50,
        "refusal_p99_ms": refusal and refusal.p99,
        "late": found.statuses.get("DEADLINE_EXCEEDED", 0),
        "statuses": found.statuses,
        # Since the server's start, warm-up counted: who left without a summary, and when.
        "dropped": dropped,
        # The first half fills the caches; what the second adds to it would be a leak.
        "memory_mb": {"half": max(memory_mb[:half]), "end": max(memory_mb[half:])},
        "memory_mb_each_10_s": memory_mb[:: round(10 / _SAMPLE_S)],
    }


@dataclass(frozen=True)
class Server:
    """One at work."""

    port: int
    metrics_port: int
    pid: int


def _put_on(server: Server, setting: Setting, phase: dict[str, Any], *, deadline_s: float) -> Phase:
    load = Load(setting.documents, _SEED, deadline_s=deadline_s)
    warm_up = {"warm_up_s": min(_WARM_UP_S, phase["seconds"] / 4)}
    folder = setting.home / phase["name"]
    return load.run(server.port, folder, phases=[phase | warm_up]).phases[0]


@contextmanager
def _serving(setting: Setting, *, by_time: bool) -> Iterator[Server]:
    metrics_port = free_port()

    def command(port: int) -> Sequence[str]:
        return [
            sys.executable, "-m", "server", "--bundle", str(setting.bundle), "--port", str(port),
            "--metrics-port", str(metrics_port), "--threads", str(setting.threads),
            "--log-level", "warning", "--deadline-admission", "on" if by_time else "off",
            # The documents come again and again: none is to be answered with another's summary.
            "--single-flight", "off",
        ]  # fmt: skip

    with running_process(command) as (port, pid):
        yield Server(port, metrics_port, pid)


def _dropped(server: Server) -> dict[str, int]:
    """Requests that left the engine without a summary, by cause and stage."""
    url = f"http://127.0.0.1:{server.metrics_port}/metrics"
    with urllib.request.urlopen(url) as reply:
        families = text_string_to_metric_families(reply.read().decode("utf-8"))
        return {
            f"{sample.labels['cause']}, {sample.labels['stage']}": int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "precis_requests_dropped_total"
        }


@contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """Collects the memory of a process, in MB, for as long as the context lasts."""
    found: list[float] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_SAMPLE_S):
            found.append(_rss_mb(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def overload_table(report: dict[str, Any]) -> str:
    """The report as a Markdown table."""
    lines = [
        f"Peak: {report['peak']:.2f} documents/s, answered to {_USERS_OF_PEAK} callers who wait.",
        "",
        "| offered | deadline | by time | answered/s | of the peak | answered p50 / p99 "
        "| refused | refusal p50 / p99 | late | started, not finished | memory half / end |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case in report["cases"]:
        memory = case["memory_mb"]
        answered = _pair(case["answered_p50_ms"], case["answered_p99_ms"], 1000, "s")
        refusal = _pair(case["refusal_p50_ms"], case["refusal_p99_ms"], 1, "ms")
        lines.append(
            f"| {case['times']:g} x = {case['rate']:g}/s | {case['deadline_s']:g} s "
            f"| {'yes' if case['by_time'] else 'no (before)'} | {case['goodput']:.2f} "
            f"| {100 * case['of_peak']:.0f} % | {answered} | {case['refused']} | {refusal} "
            f"| {case['late']} | {_lost(case['dropped'])} "
            f"| {memory['half']:.0f} / {memory['end']:.0f} MB |"
        )
    return "\n".join(lines)


def _lost(dropped: dict[str, int]) -> int:
    """Requests that left after their encoding had begun."""
    return sum(count for name, count in dropped.items() if not name.endswith("waiting"))


def _pair(first: float | None, second: float | None, divisor: float, unit: str) -> str:
    if first is None or second is None:
        return "-"
    return f"{first / divisor:.1f} / {second / divisor:.1f} {unit}"

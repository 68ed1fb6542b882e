"""Phases and runs to draw and to judge, made by the recorder from calls that never happened."""

import random
from collections.abc import Iterable

from loadtest.measure.call import Call
from loadtest.measure.recorder import PhaseRecorder
from loadtest.results import Phase, Run, ServerSide, Verdict

RECIPE = {"commit": "abc1234", "machine": "2 cores", "threads": "2", "batching": "continuous"}


def call(due_s: float, seconds: float = 0.1, **others: object) -> Call:
    """Makes a call that is sent when it is due and ends well."""
    fields: dict[str, object] = {
        "kind": "Summarize",
        "intended_s": due_s,
        "sent_s": due_s,
        "ended_s": due_s + seconds,
        "status": "OK",
    }
    return Call(**fields | others)  # type: ignore[arg-type]


def phase_of(
    calls: Iterable[Call],
    name: str = "steady",
    model: str = "open",
    level: float | None = 10.0,
    seconds: float = 10.0,
    start_s: float = 0.0,
    server: ServerSide | None = None,
) -> Phase:
    """Records calls without a warm-up."""
    recorder = PhaseRecorder(name, model, level, 0.0, start_s)
    for one in calls:
        recorder.arrival(one.intended_s)
        recorder.add(one)
    return recorder.result(start_s + seconds, server)


def run_of(*phases: Phase, title: str = "A run", **others: object) -> Run:
    """Makes a complete run of phases."""
    fields: dict[str, object] = {
        "title": title,
        "scenario": "tour",
        "started_at": "2026-01-02T03:04:05Z",
        "target": "localhost:50051",
        "complete": True,
        "phases": phases,
        "recipe": RECIPE,
    }
    return Run(**fields | others)  # type: ignore[arg-type]


def rich_run(title: str = "A <run> & more", slowness: float = 1.0, seed: int = 0) -> Run:
    """Makes a run with everything that a report can show."""
    chance = random.Random(seed)  # noqa: S311
    phases = []
    start_s = 0.0
    for rate in (5.0, 10.0, 20.0, 40.0):
        calls = []
        due_s = start_s
        while (due_s := due_s + chance.expovariate(rate)) < start_s + 10:
            queue_s = max(0.0, (due_s - start_s) * (rate - 25) / 25)
            latency_s = slowness * chance.lognormvariate(-2.2, 0.4) + queue_s
            is_stream = chance.random() < 0.3
            is_refused = queue_s > 3 and chance.random() < 0.5
            deltas = tuple(due_s + latency_s * (at + 1) / 8 for at in range(8)) if is_stream else ()
            calls.append(
                call(
                    due_s,
                    latency_s,
                    kind="SummarizeStream" if is_stream else "Summarize",
                    status="RESOURCE_EXHAUSTED" if is_refused else "OK",
                    deltas_s=() if is_refused else deltas,
                    summary_tokens=30,
                    label=chance.choice(["short", "long"]),
                )
            )
        server = ServerSide(
            stages_ms={"queue": rate, "encode": 20.0, "decode": 60.0}, figures={"rows a step": 2.5}
        )
        phases.append(
            phase_of(calls, name=f"{rate:g} a second", level=rate, start_s=start_s, server=server)
        )
        start_s += 12
    verdicts = (
        Verdict(gate="p99_ms <= 1000", phase="5 a second", found=310.0, passed=True),
        Verdict(gate="p99_ms <= 1000", phase="40 a second", found=None, passed=False),
    )
    return run_of(*phases, title=title, verdicts=verdicts, notes=("Rough <figures>.",))

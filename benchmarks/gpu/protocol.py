"""The side of a contender: one JSON line in, one out, until the input ends.

The first line out says that it is ready. A job that fails is answered with its error, so that a
batch too large for the memory does not take the smaller ones with it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import protocol
from benchmarks.peers.protocol import Tokens, end_with_parent, keep_for_answers, say


@dataclass(frozen=True, kw_only=True)
class Job(protocol.Job):
    """As a processor's contenders are asked, with the documents as texts too."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Work:
    """What came of a job: how much was written, and whatever else there is to tell."""

    # Without end tokens; empty where only `tokens` is known.
    summaries: Tokens
    details: dict[str, float] = field(default_factory=dict)
    tokens: int | None = None
    # Where the time round the whole job is not what counts.
    seconds: float | None = None


@dataclass(frozen=True)
class Ready:
    """A contender that has its model: how it works, and what it says of itself."""

    work: Callable[[Job], Work]
    facts: dict[str, Any]
    # Memory of the device that is taken, by whomever.
    used_bytes: Callable[[], int]
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Start:
    """What a contender is started with."""

    model: Path
    device: str
    # Most rows that a job will ask for.
    rows: int
    options: dict[str, Any]


def serve(load: Callable[[Start], Ready]) -> None:
    """Loads the model that the command line names, and answers jobs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--device", choices=("cuda", "cpu"), required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--options", type=json.loads, default={})
    parsed = parser.parse_args()
    answers = keep_for_answers()
    end_with_parent()  # or a GPU's memory would stay taken
    started_s = time.perf_counter()
    ready = load(Start(parsed.model, parsed.device, parsed.rows, parsed.options))
    load_s = time.perf_counter() - started_s
    say(answers, {"load_s": load_s, "used_bytes": ready.used_bytes(), **ready.facts})
    for line in sys.stdin:
        say(answers, _answer(ready, Job(**json.loads(line))))
    ready.close()


def _answer(ready: Ready, job: Job) -> dict[str, Any]:
    started_s = time.perf_counter()
    try:
        work = ready.work(job)
    except Exception as error:  # whatever a library raises: it is told, and the next job may work
        return {"error": f"{type(error).__name__}: {error}".strip().splitlines()[0]}
    seconds = time.perf_counter() - started_s
    return {
        "seconds": seconds if work.seconds is None else work.seconds,
        "tokens": sum(map(len, work.summaries)) if work.tokens is None else work.tokens,
        "summaries": work.summaries,
        "details": work.details,
        "used_bytes": ready.used_bytes(),
    }

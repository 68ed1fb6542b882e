"""How a contender is asked: one JSON line in, one out, until the input ends.

The first line out says that the model is loaded. A job names documents by token ids, so that no
tokenizer has a share in the time, and how many of them may be computed together.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

Tokens = list[list[int]]

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Job:
    """Documents to summarise, and how. The end token is banned before `min_tokens`."""

    documents: Tokens
    batch: int
    max_tokens: int
    min_tokens: int = 0
    beams: int = 1
    no_repeat_ngram_size: int = 0
    banned_ids: Sequence[int] = ()
    # Of our engine alone; the others have nothing of the kind.
    speculation: bool = True


@dataclass(frozen=True)
class Work:
    """What came of a job: the summaries without end tokens, and what else there is to tell."""

    summaries: Tokens
    details: dict[str, float] | None = None


Summarise = Callable[[Job], Work]


def batches(documents: Tokens, size: int) -> Iterator[list[int]]:
    """Indices of documents to compute together, of similar lengths so that little is padded."""
    order = sorted(range(len(documents)), key=lambda index: -len(documents[index]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def serve(load: Callable[[Path, int], Summarise], packages: Sequence[str]) -> None:
    """Loads the model that the command line names, and answers jobs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parsed = parser.parse_args()
    answers = keep_for_answers()
    end_with_parent()
    summarise = load(parsed.model, parsed.threads)
    versions = {package: version(package) for package in packages}
    say(answers, {"ready": versions, "load_peak_bytes": _memory()["peak_bytes"]})
    for line in sys.stdin:
        job = Job(**json.loads(line))
        _forget_peak()
        started_s = time.perf_counter()
        work = summarise(job)
        seconds = time.perf_counter() - started_s
        say(
            answers,
            {
                "seconds": seconds,
                "summaries": work.summaries,
                "details": work.details or {},
                **_memory(),
            },
        )


def keep_for_answers() -> TextIO:
    """Standard output for answers alone: whatever a library prints must not end up among them."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def say(answers: TextIO, content: dict[str, Any]) -> None:
    """Gives one answer, or says that the model is loaded."""
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def end_with_parent() -> None:
    """Whoever asks may be killed while we are stopped, and nobody would wake us to see it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _forget_peak() -> None:
    """Sets the kernel's high-water mark of this process back to what is resident now."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _memory() -> dict[str, int]:
    """The peak of resident memory during the job, and this process's share of it afterwards."""
    return {
        "peak_bytes": _kilobytes("/proc/self/status", "VmHWM") * 1024,
        "pss_bytes": _kilobytes("/proc/self/smaps_rollup", "Pss") * 1024,
    }


def _kilobytes(file: str, name: str) -> int:
    for line in Path(file).read_text("utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"{file} has no {name}")

"""A contender: an engine with its model, in a process of its own, that answers jobs in turn."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cpu import cases
from benchmarks.peers.protocol import Job, Tokens

_PATIENCE_S = 20.0


class ContenderError(RuntimeError):
    """A contender ended without an answer; the message holds the last thing that it said."""


@dataclass(frozen=True)
class Entry:
    """Who takes part, and how it is started."""

    module: str
    # The folder of its model, beside those of the same geometry.
    form: str
    is_peer: bool = True
    options: dict[str, Any] = field(default_factory=dict)


ENTRIES = {
    cases.OURS_INT8: Entry("benchmarks.cpu.our_worker", "ours-int8", is_peer=False),
    cases.OURS_UNDRAFTED: Entry(
        "benchmarks.cpu.our_worker", "ours-int8", is_peer=False, options={"speculation": False}
    ),
    cases.OURS_FP32: Entry("benchmarks.cpu.our_worker", "ours-fp32", is_peer=False),
    cases.CT2_INT8: Entry("benchmarks.peers.ctranslate2_worker", "ctranslate2-int8"),
    cases.CT2_FLOAT32: Entry("benchmarks.peers.ctranslate2_worker", "ctranslate2-float32"),
    cases.HUGGING_FACE: Entry("benchmarks.peers.transformers_worker", "checkpoint"),
    cases.OPTIMUM: Entry("benchmarks.peers.optimum_worker", "optimum"),
}


@dataclass(frozen=True)
class Answer:
    """What a contender did with a job."""

    seconds: float
    summaries: Tokens
    peak_bytes: int
    pss_bytes: int
    details: dict[str, float]

    @property
    def tokens(self) -> int:
        """Tokens written, the end tokens not counted."""
        return sum(map(len, self.summaries))


class Contender:
    """Started when made and loaded when `start` returns; stopped but for its turns.

    Some engines' threads go on spinning for a while after their work; a process that is stopped
    takes no core from the next one, whatever its library does.
    """

    def __init__(self, entry: Entry, model: Path, python: Path, *, threads: int) -> None:
        self._entry = entry
        # A file, because nobody would read a pipe before it is full.
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [str(python), "-m", entry.module, str(model), "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "ORT_DISABLE_TELEMETRY": "1"},
            text=True,
        )
        try:
            ready = self._hear()
        except ContenderError:
            self.close()
            raise
        self.versions: dict[str, str] = ready["ready"]
        self.load_peak_bytes: int = ready["load_peak_bytes"]
        self._process.send_signal(signal.SIGSTOP)

    def ask(self, job: Job) -> Answer:
        """Gives it a turn."""
        job_of_its_own = {**asdict(job), **self._entry.options}
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(job_of_its_own) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._error() from None
        answer = self._hear()
        self._process.send_signal(signal.SIGSTOP)
        return Answer(**answer)

    def close(self) -> None:
        """Lets it go; it is waited for."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._error()
        content: dict[str, Any] = json.loads(line)
        return content

    def _error(self) -> ContenderError:
        code = self._process.wait(_PATIENCE_S)
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        return ContenderError(f"{self._entry.module} ended with exit code {code}: {last}")


class Contenders:
    """Those of one geometry: started when they are first asked for, closed together."""

    def __init__(self, start: Callable[[str], Contender]) -> None:
        self._start = start
        self._running: dict[str, Contender] = {}

    def ask(self, name: str, job: Job) -> Answer:
        """Gives one a turn; one that fails is not kept, and is started anew when asked again."""
        if name not in self._running:
            self._running[name] = self._start(name)
        try:
            return self._running[name].ask(job)
        except ContenderError:
            self._running.pop(name).close()
            raise

    def __enter__(self) -> "Contenders":
        return self

    def __exit__(self, *_: object) -> None:
        for contender in self._running.values():
            contender.close()

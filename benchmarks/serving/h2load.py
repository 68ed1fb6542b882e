"""h2load, which comes with nghttp2 and knows nothing of gRPC: it is given a framed message."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.figures import Figures, figures_of
from benchmarks.serving.tools import ToolFailed, run_tool

_METHOD = "/summarizer.v1.Summarizer/Summarize"
_HEADERS = ("content-type: application/grpc", "te: trailers")


def framed(message: bytes) -> bytes:
    """A gRPC message as it goes over the wire: not compressed, its length, itself."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def h2load_version() -> str:
    """That of the program, if it is there."""
    program = shutil.which("h2load")
    if program is None:
        return "not installed"
    return run_tool([program, "--version"], about_s=0).strip().rpartition("/")[2]


@dataclass(frozen=True)
class H2Load:
    """One load: at a rate if there is one, else each user as quickly as it is answered."""

    seconds: float
    warm_up_s: float
    users: int = 1
    rate: float | None = None

    def run(self, port: int, message: bytes, folder: Path, *, core: int | None = None) -> Figures:
        """Puts it on a server; the log of all calls stays in the folder."""
        program = shutil.which("h2load")
        if program is None:
            raise ToolFailed("h2load is not installed: apt-get install nghttp2-client")
        folder.mkdir(parents=True, exist_ok=True)
        body, log = folder / "h2load.body", folder / "h2load.log"
        body.write_bytes(framed(message))
        # It appends.
        log.unlink(missing_ok=True)
        command = [*_pinned(core), program, *self._load(), "--data", str(body)]
        command += [f"--log-file={log}", *(f"--header={header}" for header in _HEADERS)]
        command += [f"http://127.0.0.1:{port}{_METHOD}"]
        run_tool(command, about_s=self.seconds + self.warm_up_s)
        # What comes by a rate comes for so long, however soon the last of it is answered.
        span_s = None if self.rate is None else self.seconds
        return read_log(log.read_text("ascii"), self.warm_up_s, span_s)

    def _load(self) -> Sequence[str]:
        if self.rate is None:
            return ["-c", str(self.users), "-m", "1", "-D", _round(self.seconds + self.warm_up_s)]
        # One connection, so that arrivals are evenly apart; as many streams as ours has.
        requests = math.ceil(self.rate * (self.seconds + self.warm_up_s))
        return ["-c", "1", "-m", "512", f"--rps={self.rate:g}", "-n", str(requests)]


def read_log(text: str, warm_up_s: float, span_s: float | None = None) -> Figures:
    """Its log: a line a call, of the microsecond of its start, its HTTP status, how long it took.

    Throughput is by the span if it is given, else from the first start to the last end.
    """
    calls = [tuple(map(int, line.split("\t"))) for line in text.splitlines()]
    first_us = min((start for start, *_ in calls), default=0)
    counted = [
        (start, status, took)
        for start, status, took in calls
        if start - first_us >= warm_up_s * 1e6
    ]
    good_ms = [took / 1000 for _, status, took in counted if status == 200]
    if span_s is None:
        last_us = max((start + took for start, _, took in counted), default=first_us)
        span_s = (last_us - first_us) / 1e6 - warm_up_s
    return figures_of(good_ms, failed=len(counted) - len(good_ms), span_s=span_s)


def _pinned(core: int | None) -> Sequence[str]:
    return [] if core is None else ["taskset", "-c", str(core)]


def _round(seconds: float) -> str:
    return str(math.ceil(seconds))

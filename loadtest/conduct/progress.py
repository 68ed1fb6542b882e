"""Tells a person, line by line, how a run goes."""

import sys
import time
from collections.abc import Callable

from loadtest.results import Phase as Found
from loadtest.scenario import Phase

Counts = tuple[int, int]


class Progress:
    """Writes to standard error; the line of the running phase is rewritten on a terminal."""

    def __init__(self, count: Callable[[], Counts]) -> None:
        self._count = count
        self._is_terminal = sys.stderr.isatty()
        self._phase: Phase | None = None
        self._began_at = 0.0
        self._before: Counts = (0, 0)

    def begin(self, phase: Phase, repeat: str) -> None:
        """A phase begins."""
        self._phase, self._began_at, self._before = phase, time.monotonic(), self._count()
        self.tell(f"{phase.name}{repeat}: {_load(phase)} for {phase.seconds:g} s")

    def tick(self) -> None:
        """A second has gone by."""
        if self._phase is None or not self._is_terminal:
            return
        calls, failures = (
            now - before for now, before in zip(self._count(), self._before, strict=True)
        )
        seconds = time.monotonic() - self._began_at
        gone = f"{min(seconds, self._phase.seconds):.0f} of {self._phase.seconds:g} s"
        line = f"  {gone}, {calls} answered, {failures} of them failed"
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def end(self, found: Found) -> None:
        """A phase has ended, and this is what was found."""
        self._phase = None
        latency = found.distributions.get("latency")
        times = f", p50 {latency.p50:.0f} ms, p99 {latency.p99:.0f} ms" if latency else ""
        dropped = f", {found.dropped} dropped" if found.dropped else ""
        others = "".join(
            f", {count} {status}" for status, count in found.statuses.items() if status != "OK"
        )
        self.tell(
            f"  {found.ok} of {found.offered} OK{others}{dropped},"
            f" {found.throughput:.3g} a second{times}"
        )

    def tell(self, line: str) -> None:
        """Writes a line."""
        print(f"{chr(13)}\033[K{line}" if self._is_terminal else line, file=sys.stderr, flush=True)


def _load(phase: Phase) -> str:
    if phase.users is not None:
        return f"{phase.users} user{'s' if phase.users > 1 else ''}"
    if phase.at_s is not None:
        return f"{len(phase.at_s)} arrivals of a trace"
    if phase.rate_to is not None:
        return f"{phase.rate:g} to {phase.rate_to:g} arrivals a second"
    return f"{phase.rate:g} arrivals a second"

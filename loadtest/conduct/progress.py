"""Tells a person, line by line, how a run goes."""

import sys
import time
from collections.abc import Callable

from loadtest.measure.figures import enough_for
from loadtest.results import Phase as Found
from loadtest.scenario import Phase

Counts = tuple[int, int]

_PLAIN_INTERVAL_S = 10


class Progress:
    """Writes to standard error.

    On a terminal the line of the running phase is rewritten every second; elsewhere a new one is
    written every ten.
    """

    def __init__(self, count: Callable[[], Counts], phases: int | None = None) -> None:
        self._count = count
        self._number, self._phases = 0, phases
        self._is_terminal = sys.stderr.isatty()
        self._ticks = 0
        self._phase: Phase | None = None
        self._began_at = 0.0
        self._before: Counts = (0, 0)

    def begin(self, phase: Phase, repeat: str) -> None:
        """A phase begins."""
        self._phase, self._began_at, self._before = phase, time.monotonic(), self._count()
        self._number += 1
        self._ticks = 0
        self.tell(f"{phase.name}{repeat}: {describe_load(phase)} for {phase.seconds:g} s")

    def tick(self) -> None:
        """A second has gone by."""
        self._ticks += 1
        if self._phase is None or not (self._is_terminal or self._ticks % _PLAIN_INTERVAL_S == 0):
            return
        calls, failures = (
            now - before for now, before in zip(self._count(), self._before, strict=True)
        )
        line = f"  {self._gone(self._phase)}, {calls} answered, {failures} not served"
        if self._is_terminal:
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        else:
            self.tell(line)

    def where(self) -> str:
        """Says which phase is running: "phase 2 of 3, steady (5 arrivals a second): 12 of 60 s"."""
        if self._phase is None:
            return "between two phases"
        of = "" if self._phases is None else f" of {self._phases}"
        told = f"{self._phase.name} ({describe_load(self._phase)})"
        return f"phase {self._number}{of}, {told}: {self._gone(self._phase)}"

    def _gone(self, phase: Phase) -> str:
        seconds = time.monotonic() - self._began_at
        if seconds > phase.seconds:
            return f"{phase.seconds:g} s are over, waiting for the last answers"
        return f"{seconds:.0f} of {phase.seconds:g} s"

    def end(self, found: Found) -> None:
        """A phase has ended, and this is what was found."""
        self._phase = None
        latency = found.distributions.get("latency")
        tail = "p99" if latency and enough_for(latency, "p99") else "greatest"
        times = (
            f", p50 {latency.p50:.0f} ms, {tail} {getattr(latency, tail):.0f} ms" if latency else ""
        )
        dropped = f", {found.dropped} dropped" if found.dropped else ""
        refused = f" ({found.refused} with a time to come back)" if found.refused else ""
        others = "".join(
            f", {count} {status}" for status, count in found.statuses.items() if status != "OK"
        )
        self.tell(
            f"  {found.ok} of {found.offered} served{others}{refused}{dropped},"
            f" {found.throughput:.3g} a second{times}"
        )

    def tell(self, line: str) -> None:
        """Writes a line."""
        print(f"{chr(13)}\033[K{line}" if self._is_terminal else line, file=sys.stderr, flush=True)


def describe_load(phase: Phase) -> str:
    """Says what load a phase puts on."""
    if phase.of_probe is not None:
        return f"arrivals at {100 * phase.of_probe:g} % of what the probe finds"
    if phase.users is not None:
        return f"{phase.users} user{'s' if phase.users > 1 else ''}"
    if phase.at_s is not None:
        return f"{len(phase.at_s)} arrivals of a trace"
    if phase.rate_to is not None:
        return f"{phase.rate:g} to {phase.rate_to:g} arrivals a second"
    return f"{phase.rate:g} arrivals a second"

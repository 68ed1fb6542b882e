"""Collects the calls of one phase and makes its figures.

It is not locked: greenlets do not change over inside it. Each process has a recorder of its own,
and a run adds them up by `dump` and `merge`, which hold no times of a process's own clock.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from loadtest.measure.call import HUNG_UP, OK, Call
from loadtest.measure.histogram import Histogram
from loadtest.measure.windows import are_stable, choose_length_s, cut, stability_length_s
from loadtest.results import Distribution, Phase, ServerSide, Window

LATENCY = "latency"
SERVICE = "service"
FIRST_DELTA = "first delta"
BETWEEN_DELTAS = "between deltas"
TOKEN_RATE = "tokens/s"  # noqa: S105  # of a summary
SEND_LAG = "send lag"
REFUSAL = "refusal"
"""How soon a refusal came that says when to come again, from the sending."""

_FINE = 10
"""Endings are counted by tenths of a second, so that a phase's end falls between two of them."""


@dataclass(slots=True)
class _Cell:
    """What came of the arrivals of one second."""

    offered: int = 0
    dropped: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)

    def add(self, other: "_Cell") -> None:
        self.offered += other.offered
        self.dropped += other.dropped
        self.statuses.update(other.statuses)
        self.latency.add(other.latency)


class PhaseRecorder:
    """Measures one phase; arrivals that were due before its warm-up ended are left out.

    Figures of calls go by when they were due. Throughput goes by when calls ended, whenever they
    were due: a server that falls behind would otherwise be credited with what it did afterwards.
    """

    def __init__(
        self, name: str, model: str, level: float | None, warm_up_s: float, start_s: float
    ) -> None:
        self._name, self._model, self._level = name, model, level
        self._warm_up_s = warm_up_s
        self._counted_from_s = start_s + warm_up_s
        self._cells: dict[int, _Cell] = {}
        self._finished: Counter[int] = Counter()
        self._tokens: Counter[int] = Counter()
        self._histograms: dict[str, Histogram] = {}
        self._retries = self._pushbacks = self._refused = 0

    def arrival(self, intended_s: float) -> None:
        """Counts a call that was due then, whether or not it could be sent."""
        if intended_s >= self._counted_from_s:
            self._cell(intended_s).offered += 1

    def dropped(self, intended_s: float) -> None:
        """Counts an arrival, told by `arrival` too, that nobody was free to send."""
        if intended_s >= self._counted_from_s:
            self._cell(intended_s).dropped += 1

    def add(self, call: Call) -> None:
        """Takes a call that ended, well or not."""
        if call.status == OK and call.ended_s >= self._counted_from_s:
            tenth = int((call.ended_s - self._counted_from_s) * _FINE)
            self._finished[tenth] += 1
            self._tokens[tenth] += call.summary_tokens
        if call.intended_s < self._counted_from_s:
            return
        cell = self._cell(call.intended_s)
        cell.statuses[call.status] += 1
        self._retries += call.retries
        self._pushbacks += call.pushed_back
        if call.refused:
            self._refused += 1
        if call.refused and not call.retries:
            self._record(REFUSAL, _ms(call.sent_s, call.ended_s))
        self._record(SEND_LAG, _ms(call.intended_s, call.sent_s))
        if call.deltas_s:
            self._add_deltas(call)
        if call.status == OK:
            latency_ms = _ms(call.intended_s, call.ended_s)
            cell.latency.record(latency_ms)
            self._record(f"{LATENCY}/{call.kind}", latency_ms)
            if call.label:
                self._record(f"{LATENCY}/{call.label}", latency_ms)
            self._record(SERVICE, _ms(call.sent_s, call.ended_s))

    def result(
        self,
        end_s: float,
        server: ServerSide | None = None,
        intervals: Mapping[str, tuple[float, float]] | None = None,
    ) -> Phase:
        """Makes the figures of a phase whose load ended then; its calls may have ended later."""
        seconds = max(0.0, round(end_s - self._counted_from_s, 6))
        whole = _sum(self._cells.values())
        by_arrivals = self._model == "open" and self._level is not None
        return Phase(
            name=self._name,
            model=self._model,
            level=self._level,
            warm_up_s=self._warm_up_s,
            seconds=seconds,
            offered=_offered(whole),
            ok=whole.statuses[OK],
            refused=self._refused,
            dropped=whole.dropped,
            statuses=_sorted(whole.statuses),
            distributions=self._distributions(whole.latency),
            windows=self._windows(seconds, choose_length_s(seconds)),
            is_stable=are_stable(
                self._windows(seconds, stability_length_s(seconds)), by_arrivals=by_arrivals
            ),
            throughput=_rate(self._finished, seconds),
            summary_tokens_per_s=_rate(self._tokens, seconds),
            retries=self._retries,
            pushbacks=self._pushbacks,
            server=server,
            intervals=dict(intervals or {}),
        )

    def dump(self) -> dict[str, Any]:
        """Gives all it counted, as JSON has it, for the recorder of another process."""
        return {
            "cells": {
                str(second): {
                    "offered": cell.offered,
                    "dropped": cell.dropped,
                    "statuses": dict(cell.statuses),
                    "latency": cell.latency.dump(),
                }
                for second, cell in self._cells.items()
            },
            "finished": {str(tenth): count for tenth, count in self._finished.items()},
            "tokens": {str(tenth): count for tenth, count in self._tokens.items()},
            "histograms": {name: one.dump() for name, one in self._histograms.items()},
            "retries": self._retries,
            "pushbacks": self._pushbacks,
            "refused": self._refused,
        }

    def merge(self, dumped: Mapping[str, Any]) -> None:
        """Adds what the recorder of another process counted; name and level stay this one's."""
        for second, cell in dumped["cells"].items():
            other = _Cell(
                cell["offered"],
                cell["dropped"],
                Counter(cell["statuses"]),
                Histogram.load(cell["latency"]),
            )
            self._cells.setdefault(int(second), _Cell()).add(other)
        self._finished.update({int(at): count for at, count in dumped["finished"].items()})
        self._tokens.update({int(at): count for at, count in dumped["tokens"].items()})
        for name, histogram in dumped["histograms"].items():
            self._histograms.setdefault(name, Histogram()).add(Histogram.load(histogram))
        self._retries += dumped["retries"]
        self._pushbacks += dumped["pushbacks"]
        self._refused += dumped["refused"]

    def _cell(self, intended_s: float) -> _Cell:
        second = int(intended_s - self._counted_from_s)
        cell = self._cells.get(second)
        if cell is None:
            cell = self._cells[second] = _Cell()
        return cell

    def _record(self, name: str, value: float) -> None:
        histogram = self._histograms.get(name)
        if histogram is None:
            histogram = self._histograms[name] = Histogram()
        histogram.record(value)

    def _add_deltas(self, call: Call) -> None:
        self._record(FIRST_DELTA, _ms(call.intended_s, call.deltas_s[0]))
        for before_s, after_s in pairwise(call.deltas_s):
            self._record(BETWEEN_DELTAS, _ms(before_s, after_s))
        writing_s = call.deltas_s[-1] - call.sent_s
        if call.status == OK and call.summary_tokens and writing_s > 0:
            self._record(TOKEN_RATE, call.summary_tokens / writing_s)

    def _distributions(self, latency: Histogram) -> dict[str, Distribution]:
        found = {LATENCY: latency, **dict(sorted(self._histograms.items()))}
        made = {
            name: histogram.distribution("tokens/s" if name == TOKEN_RATE else "ms")
            for name, histogram in found.items()
        }
        return {name: distribution for name, distribution in made.items() if distribution}

    def _windows(self, seconds: float, length_s: int) -> tuple[Window, ...]:
        edges = pairwise([*cut(seconds, length_s), seconds])
        return tuple(self._window(start, end, seconds) for start, end in edges)

    def _window(self, start: float, end: float, seconds: float) -> Window:
        # What was due at the very end belongs to the last window.
        until = end if end < seconds else math.inf
        cell = _sum(cell for second, cell in self._cells.items() if start <= second < until)
        p50, p95, p99, greatest = cell.latency.percentiles([50, 95, 99, 100])
        tenths = range(int(start * _FINE), int(end * _FINE))
        return Window(
            start_s=self._counted_from_s + start,
            seconds=end - start,
            offered=_offered(cell),
            ok=cell.statuses[OK],
            failed=cell.statuses.total() - cell.statuses[OK] - cell.statuses[HUNG_UP],
            dropped=cell.dropped,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            greatest_ms=greatest,
            summary_tokens=sum(self._tokens[tenth] for tenth in tenths),
            finished=sum(self._finished[tenth] for tenth in tenths),
            statuses=_sorted(cell.statuses),
        )


def _ms(from_s: float, to_s: float) -> float:
    """Measures a stretch of time; a clock read out of order makes it nothing, not less."""
    return max(0.0, 1000 * (to_s - from_s))


def _sum(cells: Iterable[_Cell]) -> _Cell:
    whole = _Cell()
    for cell in cells:
        whole.add(cell)
    return whole


def _offered(cell: _Cell) -> int:
    """Counts arrivals, and in a loop that does not announce them what came of them."""
    return max(cell.offered, cell.dropped + cell.statuses.total())


def _sorted(statuses: Counter[str]) -> dict[str, int]:
    return dict(sorted(statuses.items()))


def _rate(tenths: Counter[int], seconds: float) -> float:
    """Counts what fell into the whole tenths of a phase, a second."""
    whole = int(seconds * _FINE)
    total = sum(count for tenth, count in tenths.items() if tenth < whole)
    return total * _FINE / whole if whole else 0.0

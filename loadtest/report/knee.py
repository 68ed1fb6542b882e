"""Finds where more load no longer brings more work: the knee of a run with several rates."""

from collections.abc import Sequence
from itertools import takewhile

from loadtest.measure.figures import duration_ms
from loadtest.report.numbers import figure
from loadtest.results import Phase

_SERVED = 0.95
_SLOWER = 3.0

_SERVED_WORDS = "served to 95 % while it lasted"
_RULE = (
    f"the highest rate up to which each was {_SERVED_WORDS} "
    "and had a p99 within three times that of the lowest"
)


def open_phases(phases: Sequence[Phase]) -> list[Phase]:
    """Gives the phases of an open loop that held a rate, from the lowest."""
    held = [phase for phase in phases if phase.model == "open" and phase.level]
    return sorted(held, key=lambda phase: phase.level or 0.0)


def offered_rate(phase: Phase) -> float:
    """Gives the arrivals a second that there really were."""
    return phase.offered / phase.seconds if phase.seconds else 0.0


def find_knee(phases: Sequence[Phase]) -> float | None:
    """Gives the rate of the knee; None where it lies beyond or below all rates."""
    held, broken = _divide(phases)
    return offered_rate(held[-1]) if held and broken else None


def knee_words(phases: Sequence[Phase]) -> str:
    """Says where the knee is, and what that means."""
    held, broken = _divide(phases)
    if not broken:
        return f"The knee lies beyond these rates: it is {_RULE}."
    if not held:
        return f"The knee lies below these rates, for already the lowest was not {_SERVED_WORDS}."
    return f"The knee, at {figure(offered_rate(held[-1]))} calls/s, is {_RULE}."


def _divide(phases: Sequence[Phase]) -> tuple[list[Phase], list[Phase]]:
    """Divides the rates into those below the first that broke, and the rest."""
    rates = open_phases(phases)
    if not rates:
        return [], []
    unloaded_ms = duration_ms(rates[0], "p99_ms")
    held = list(takewhile(lambda phase: _holds(phase, unloaded_ms), rates))
    return held, rates[len(held) :]


def _holds(phase: Phase, unloaded_ms: float | None) -> bool:
    p99_ms = duration_ms(phase, "p99_ms")
    if p99_ms is None or unloaded_ms is None:
        return False
    served = phase.throughput >= _SERVED * offered_rate(phase)
    return served and p99_ms <= _SLOWER * unloaded_ms

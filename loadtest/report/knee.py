"""Finds where more load no longer brings more work: the knee of a run with several rates."""

from collections.abc import Sequence

from loadtest.measure.figures import duration_ms
from loadtest.results import Phase

_SERVED = 0.95
_SLOWER = 3.0

RULE = (
    "the highest rate up to which at least 95 % of what arrived was served in time "
    "and p99 stayed within three times that of the lowest rate"
)


def open_phases(phases: Sequence[Phase]) -> list[Phase]:
    """Gives the phases of an open loop that held a rate, from the lowest."""
    held = [phase for phase in phases if phase.model == "open" and phase.level]
    return sorted(held, key=lambda phase: phase.level or 0.0)


def offered_rate(phase: Phase) -> float:
    """Gives the arrivals a second that there really were."""
    return phase.offered / phase.seconds if phase.seconds else 0.0


def find_knee(phases: Sequence[Phase]) -> float | None:
    """Gives the rate of the knee; None where no rate broke, so that it lies beyond them all."""
    rates = open_phases(phases)
    if len(rates) < 2:
        return None
    unloaded_ms = duration_ms(rates[0], "p99_ms")
    knee = None
    for phase in rates:
        if not _holds(phase, unloaded_ms):
            return knee
        knee = offered_rate(phase)
    return None


def _holds(phase: Phase, unloaded_ms: float | None) -> bool:
    p99_ms = duration_ms(phase, "p99_ms")
    if p99_ms is None or unloaded_ms is None:
        return False
    served = phase.throughput >= _SERVED * offered_rate(phase)
    return served and p99_ms <= _SLOWER * unloaded_ms

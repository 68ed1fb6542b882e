"""The figures of a phase by name, as gates ask for them and intervals are given of them."""

import re
from collections.abc import Sequence

from loadtest.measure.call import HUNG_UP, OK
from loadtest.measure.recorder import BETWEEN_DELTAS, FIRST_DELTA, LATENCY, REFUSAL, SERVICE
from loadtest.results import Distribution, Phase

NEEDED = {"p50": 2, "p90": 10, "p95": 20, "p99": 100, "p999": 1000}
"""How many values a percentile needs: of fewer, it is no more than the greatest of them."""

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}

_DISTRIBUTIONS = {
    "": LATENCY,
    "service_": SERVICE,
    "first_delta_": FIRST_DELTA,
    "between_deltas_": BETWEEN_DELTAS,
    "refusal_": REFUSAL,
}
_DURATION = re.compile(r"(\w*?)(mean|p50|p90|p95|p99|p999|greatest)_ms")

DURATIONS: Sequence[str] = tuple(
    f"{prefix}{figure}_ms"
    for prefix in _DISTRIBUTIONS
    for figure in ("mean", *PERCENTILES, "greatest")
)
"""Such as "p99_ms" (of latency) and "first_delta_p95_ms"."""


def distribution_of(duration: str) -> str:
    """Names the distribution that a duration is read from."""
    match = _DURATION.fullmatch(duration)
    assert match, duration
    return _DISTRIBUTIONS[match[1]]


def duration_ms(phase: Phase, duration: str) -> float | None:
    """Reads one of DURATIONS; None where there was nothing to measure."""
    match = _DURATION.fullmatch(duration)
    assert match, duration
    distribution = phase.distributions.get(_DISTRIBUTIONS[match[1]])
    if distribution is None:
        return None
    return float(getattr(distribution, match[2]))


def enough_for(distribution: Distribution, figure: str) -> bool:
    """Tells whether there were enough values for a percentile; every other figure needs none."""
    return distribution.count >= NEEDED.get(figure, 0)


def shown_ms(phase: Phase, duration: str) -> float | None:
    """Reads one of DURATIONS as tables and plots show it: None of too few calls."""
    distribution = phase.distributions.get(distribution_of(duration))
    figure = duration.removesuffix("_ms").rpartition("_")[2]
    if distribution is None or not enough_for(distribution, figure):
        return None
    return duration_ms(phase, duration)


def unfinished(phase: Phase) -> int:
    """Counts the calls that were sent and had not ended when the run did."""
    return max(0, phase.offered - phase.dropped - sum(phase.statuses.values()))


def error_rate(phase: Phase) -> float | None:
    """Gives the share of calls that were refused or failed; those we cancelled do not count."""
    return _share_of_calls(phase, phase.refused + failed(phase))


def failed_rate(phase: Phase) -> float | None:
    """Gives the share of calls that failed: a refusal that says when to come again is none."""
    return _share_of_calls(phase, failed(phase))


def refused_rate(phase: Phase) -> float | None:
    """Gives the share of calls that were refused with a time to come again."""
    return _share_of_calls(phase, phase.refused)


def served_share(phase: Phase) -> float | None:
    """Gives the share of what was offered that was served; what we cancelled does not count."""
    offered = phase.offered - phase.statuses.get(HUNG_UP, 0)
    return phase.ok / offered if offered else None


def failed(phase: Phase) -> int:
    """Counts the calls that ended badly or not at all, but for those that were refused."""
    bad = sum(n for status, n in phase.statuses.items() if status not in (OK, HUNG_UP))
    return bad - phase.refused + unfinished(phase)


def _share_of_calls(phase: Phase, count: int) -> float | None:
    calls = phase.ok + phase.refused + failed(phase)
    return count / calls if calls else None


def dropped_rate(phase: Phase) -> float | None:
    """Gives the share of arrivals that nobody was free to send."""
    return phase.dropped / phase.offered if phase.offered else None

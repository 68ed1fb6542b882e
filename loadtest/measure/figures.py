"""The figures of a phase by name, as gates ask for them and intervals are given of them."""

import re
from collections.abc import Sequence

from loadtest.measure.call import HUNG_UP, OK
from loadtest.measure.histogram import Histogram
from loadtest.measure.recorder import BETWEEN_DELTAS, FIRST_DELTA, LATENCY, SERVICE
from loadtest.results import Phase

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}

_DISTRIBUTIONS = {
    "": LATENCY,
    "service_": SERVICE,
    "first_delta_": FIRST_DELTA,
    "between_deltas_": BETWEEN_DELTAS,
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


def percentile_ms(phase: Phase, percent: float) -> float | None:
    """Reads any percentile of the latency."""
    latency = phase.distributions.get(LATENCY)
    return Histogram.of_distribution(latency).percentile(percent) if latency else None


def unfinished(phase: Phase) -> int:
    """Counts the calls that were sent and had not ended when the run did."""
    return max(0, phase.offered - phase.dropped - sum(phase.statuses.values()))


def error_rate(phase: Phase) -> float | None:
    """Gives the share of calls that ended badly or not at all; those we cancelled do not count."""
    failed = sum(n for status, n in phase.statuses.items() if status not in (OK, HUNG_UP))
    failed += unfinished(phase)
    return failed / (phase.ok + failed) if phase.ok + failed else None


def dropped_rate(phase: Phase) -> float | None:
    """Gives the share of arrivals that nobody was free to send."""
    return phase.dropped / phase.offered if phase.offered else None

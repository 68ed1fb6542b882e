"""What every generator is compared by, whichever way it tells it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Latencies and throughput of one load; None where nothing ended well."""

    calls: int
    failed: int
    throughput: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def figures_of(good_ms: Sequence[float], *, failed: int, span_s: float) -> Figures:
    """Counts calls: those that ended well by their latencies."""
    ordered = sorted(good_ms)
    return Figures(
        calls=len(ordered) + failed,
        failed=failed,
        throughput=len(ordered) / span_s if span_s > 0 else 0.0,
        p50_ms=percentile(ordered, 50),
        p95_ms=percentile(ordered, 95),
        p99_ms=percentile(ordered, 99),
    )


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The least value that so many percent of all are not above."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]

"""Puts the repeats of one phase together, with intervals that say how far they agree.

The intervals are Student's t over one figure of each repeat. Calls of one repeat share its queue,
its neighbours and its warm-up, so to resample calls would claim far too much certainty; and of the
three to five repeats that one has time for, a bootstrap knows too few different resamples.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from loadtest.measure.figures import (
    error_rate,
    failed_rate,
    refused_rate,
    served_share,
    shown_ms,
)
from loadtest.measure.histogram import Histogram
from loadtest.results import Distribution, Phase, ProcessorUse, ServerSide

INTERVAL_FIGURES = (
    *("mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms"),
    *("first_delta_p50_ms", "first_delta_p95_ms"),
    *("between_deltas_p50_ms", "between_deltas_p99_ms"),
)

_SHARES = {
    "served_share": served_share,
    "refused_rate": refused_rate,
    "failed_rate": failed_rate,
    "error_rate": error_rate,
}

# The 97.5th percentile of Student's t by degrees of freedom, from 1 on.
# fmt: off
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)
# fmt: on


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Gives the 95 % confidence interval of a mean; None of fewer than two values."""
    if len(values) < 2:
        return None
    # Beyond the table the last entry is kept, which is at most 4 % too wide.
    t = _T[min(len(values) - 1, len(_T)) - 1]
    half = t * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.fmean(values)
    return max(0.0, mean - half), mean + half


def pool_repeats(repeats: Sequence[Phase]) -> Phase:
    """Makes one phase of several of one load: all their calls, and intervals over the repeats.

    It is stable if each of them was.
    """
    first, *others = repeats
    if not others:
        return first
    for other in others:
        if (other.name, other.model) != (first.name, first.model):
            raise ValueError(f"{other.name!r} ({other.model}) is no repeat of {first.name!r}")
    seconds = sum(phase.seconds for phase in repeats)
    return replace(
        first,
        seconds=seconds,
        offered=sum(phase.offered for phase in repeats),
        ok=sum(phase.ok for phase in repeats),
        dropped=sum(phase.dropped for phase in repeats),
        refused=sum(phase.refused for phase in repeats),
        statuses=_add_up(phase.statuses for phase in repeats),
        distributions={
            name: distribution
            for name in sorted({name for phase in repeats for name in phase.distributions})
            if (distribution := _pool(repeats, name))
        },
        windows=tuple(window for phase in repeats for window in phase.windows),
        is_stable=all(phase.is_stable for phase in repeats),
        throughput=_share(repeats, [phase.throughput for phase in repeats]),
        summary_tokens_per_s=_share(repeats, [phase.summary_tokens_per_s for phase in repeats]),
        retries=sum(phase.retries for phase in repeats),
        pushbacks=sum(phase.pushbacks for phase in repeats),
        server=_pool_servers(repeats),
        processor=_most_disturbed([phase.processor for phase in repeats if phase.processor]),
        intervals=intervals_of(repeats),
    )


def intervals_of(repeats: Sequence[Phase]) -> dict[str, tuple[float, float]]:
    """Gives the interval of every figure that all repeats have."""
    figures: dict[str, list[float | None]] = {
        name: [shown_ms(phase, name) for phase in repeats] for name in INTERVAL_FIGURES
    }
    figures["throughput"] = [phase.throughput for phase in repeats]
    figures["summary_tokens_per_s"] = [phase.summary_tokens_per_s for phase in repeats]
    for name, read in _SHARES.items():
        figures[name] = [read(phase) for phase in repeats]
    found = {}
    for name, values in figures.items():
        known = [value for value in values if value is not None]
        if len(known) == len(repeats) and (pair := interval(known)):
            found[name] = pair
    return found


def _share(repeats: Sequence[Phase], rates: Sequence[float]) -> float:
    """Averages rates by the seconds that each was held."""
    seconds = sum(phase.seconds for phase in repeats)
    amount = sum(rate * phase.seconds for rate, phase in zip(rates, repeats, strict=True))
    return amount / seconds if seconds else 0.0


def _add_up(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))


def _pool(repeats: Sequence[Phase], name: str) -> Distribution | None:
    pooled, unit = Histogram(), ""
    for phase in repeats:
        if distribution := phase.distributions.get(name):
            pooled.add(Histogram.of_distribution(distribution))
            unit = distribution.unit
    return pooled.distribution(unit)


def _pool_servers(repeats: Sequence[Phase]) -> ServerSide | None:
    """Averages by the calls that each repeat answered."""
    told = [(phase.server, phase.ok) for phase in repeats if phase.server]
    if not told:
        return None
    return ServerSide(
        stages_ms=_average([(server.stages_ms, ok) for server, ok in told]),
        figures=_average([(server.figures, ok) for server, ok in told]),
    )


def _most_disturbed(uses: Sequence[ProcessorUse]) -> ProcessorUse | None:
    """Gives the repeat that a reader has to know of, not an average that hides it."""
    return max(uses, key=lambda use: (use.others or 0.0) + use.stolen, default=None)


def _average(weighted: Sequence[tuple[Mapping[str, float], int]]) -> dict[str, float]:
    names = {name: None for values, _ in weighted for name in values}
    averages = {}
    for name in names:
        having = [(values[name], weight) for values, weight in weighted if name in values]
        total = sum(weight for _, weight in having)
        if total:
            averages[name] = sum(value * weight for value, weight in having) / total
    return averages

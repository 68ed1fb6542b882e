"""Holds phases against a service level objective."""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence

from loadtest.measure.figures import (
    DURATIONS,
    distribution_of,
    dropped_rate,
    duration_ms,
    error_rate,
    failed_rate,
    refused_rate,
    served_share,
)
from loadtest.measure.recorder import LATENCY, REFUSAL, SERVICE
from loadtest.results import Phase, Verdict

_SHARES: Mapping[str, Callable[[Phase], float | None]] = {
    "error_rate": error_rate,
    "failed_rate": failed_rate,
    "refused_rate": refused_rate,
    "dropped_rate": dropped_rate,
}
_LEAST: Mapping[str, Callable[[Phase], float | None]] = {
    "min_served_share": served_share,
    "min_throughput": lambda phase: phase.throughput,
    "min_summary_tokens_per_s": lambda phase: phase.summary_tokens_per_s,
}

_FAR = 3

GATES = (*DURATIONS, *_SHARES, *_LEAST)
"""Every key that an objective may have."""


def check_objective(slo: Mapping[str, float]) -> None:
    """Refuses an objective that cannot be held against anything: ValueError with one line."""
    for key, limit in slo.items():
        if key not in GATES:
            near = difflib.get_close_matches(key, GATES, n=1, cutoff=0)
            raise ValueError(f"slo.{key} is unknown: did you mean {near[0]}?")
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise ValueError(f"slo.{key} is {limit!r}, not a number")
        if not 0 <= limit < math.inf:
            raise ValueError(f"slo.{key} is {limit!r}, not a finite number from 0 on")
        if key in (*_SHARES, "min_served_share") and limit > 1:
            raise ValueError(f"slo.{key} is {limit!r}, but a share is at most 1 (1 % is 0.01)")


def judge(slo: Mapping[str, float], phases: Sequence[Phase]) -> tuple[Verdict, ...]:
    """Holds every phase against every gate; what could not be measured does not pass."""
    check_objective(slo)
    verdicts = []
    for key, limit in slo.items():
        for phase in _phases_for(key, phases):
            found = _find(key, phase)
            verdicts.append(
                Verdict(
                    gate=_words(key, limit),
                    phase=phase.name,
                    found=found,
                    passed=_passes(key, limit, found),
                )
            )
    return tuple(verdicts)


def is_far_off(slo: Mapping[str, float], phase: Phase) -> bool:
    """Tells whether a duration is so far beyond its limit that chance is no explanation."""
    found = ((duration_ms(phase, key), slo[key]) for key in slo if key in DURATIONS)
    return any(value is not None and value > _FAR * limit for value, limit in found)


def _phases_for(key: str, phases: Sequence[Phase]) -> list[Phase]:
    """Leaves out of a gate on streaming, or on refusals, the phases that went well without."""
    if key not in DURATIONS or distribution_of(key) in (LATENCY, SERVICE):
        return list(phases)
    name = distribution_of(key)
    left = [phase for phase in phases if name in phase.distributions or not _went_well(phase)]
    return left if left or name == REFUSAL else list(phases)


def _went_well(phase: Phase) -> bool:
    return phase.ok > 0 and error_rate(phase) == 0


def _find(key: str, phase: Phase) -> float | None:
    if key in DURATIONS:
        return duration_ms(phase, key)
    return {**_SHARES, **_LEAST}[key](phase)


def _passes(key: str, limit: float, found: float | None) -> bool:
    if found is None:
        return False
    return found >= limit if key in _LEAST else found <= limit


def _words(key: str, limit: float) -> str:
    words = repr(limit).removesuffix(".0")
    if key in _LEAST:
        return f"{key.removeprefix('min_')} >= {words}"
    return f"{key} <= {words}"

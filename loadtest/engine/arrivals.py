"""When the calls of an open loop are due: whatever becomes of them, for callers come regardless.

Times are made for the whole load and dealt out in turn among the processes that share it, so that
one process and ten send the same calls at the same times.
"""

import itertools
import math
import random
from collections.abc import Iterator

from loadtest.scenario import Phase


def due_times(phase: Phase, seed: str) -> Iterator[float]:
    """Gives the seconds from the phase's start at which calls are due, in order."""
    if phase.at_s is not None:
        times = iter(phase.at_s)
    else:
        assert phase.rate is not None
        rate_to = phase.rate if phase.rate_to is None else phase.rate_to
        units = _poisson_units(seed) if phase.arrivals == "poisson" else _even_units()
        times = _at_rate(units, phase.rate, rate_to, phase.seconds)
    return itertools.takewhile(lambda time_s: time_s < phase.seconds, times)


def share_of(times: Iterator[float], share: int, shares: int) -> Iterator[tuple[int, float]]:
    """Deals out the calls, each with its number in the whole load."""
    return itertools.islice(enumerate(times), share, None, shares)


def _even_units() -> Iterator[float]:
    return map(float, itertools.count())


def _poisson_units(seed: str) -> Iterator[float]:
    generator = random.Random(seed)  # noqa: S311  # a load, not a secret
    return itertools.accumulate(generator.expovariate(1) for _ in itertools.count())


def _at_rate(
    units: Iterator[float], rate: float, rate_to: float, seconds: float
) -> Iterator[float]:
    """Turns a flow of one arrival a second into one whose rate goes evenly from one to another.

    After t seconds `rate * t + slope * t^2 / 2` arrivals are expected; this is that formula
    solved for t. Where the rate falls it ends when the rate would reach 0.
    """
    slope = (rate_to - rate) / seconds
    for unit in units:
        under_root = rate * rate + 2 * slope * unit
        if under_root < 0:
            return
        # Not (root - rate) / slope, which is 0 / 0 where the rate stays.
        yield 2 * unit / (rate + math.sqrt(under_root))

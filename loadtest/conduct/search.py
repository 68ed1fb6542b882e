"""Finds the highest rate that keeps the gates, by trying rates."""

import math
from collections.abc import Callable

from loadtest.scenario import SearchTable


def find_highest(table: SearchTable, keeps: Callable[[float], bool]) -> float | None:
    """Doubles the rate until one fails, then halves the gap; None if even the lowest fails."""
    if not keeps(table.lowest):
        return None
    good, bad = table.lowest, math.inf
    while bad == math.inf and good < table.highest:
        rate = _round(min(2 * good, table.highest))
        good, bad = (rate, bad) if keeps(rate) else (good, rate)
    while bad != math.inf and bad - good > table.precision * good:
        rate = _round((good + bad) / 2)
        if not good < rate < bad:
            break
        good, bad = (rate, bad) if keeps(rate) else (good, rate)
    return good


def confirm(
    table: SearchTable, rate: float | None, keeps_for_longer: Callable[[float], bool]
) -> float | None:
    """Steps down until a rate is kept for longer than a probe; None if none is.

    A server that is asked a little too much falls behind so slowly that a probe may not tell.
    """
    while rate is not None and not keeps_for_longer(rate):
        lower = _round(rate * (1 - table.precision))
        rate = lower if table.lowest <= lower < rate else None
    return rate


def _round(rate: float) -> float:
    """Keeps three digits: a rate is read, and set again, by people."""
    return float(f"{rate:.3g}")

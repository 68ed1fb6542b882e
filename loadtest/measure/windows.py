"""Cuts a phase into windows, and says whether they agree."""

import math
from collections.abc import Sequence

from loadtest.results import Window

TOLERANCE = 0.10
_AT_THE_END = 3
_STABILITY_WINDOWS = 6
"""Windows for the stability rule: the last three of them are half of the phase."""

_LENGTHS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_WINDOWS = 60


def choose_length_s(seconds: float) -> int:
    """Chooses how long a window of a plot is: a round number, and not too many of them."""
    return next((s for s in _LENGTHS_S if seconds <= s * _MOST_WINDOWS), _LENGTHS_S[-1])


def cut(seconds: float, length_s: int) -> list[int]:
    """Gives the starts of windows; a rest of less than half a window goes to the last one."""
    starts = list(range(0, math.ceil(seconds), length_s))
    if len(starts) > 1 and seconds - starts[-1] < length_s / 2:
        starts.pop()
    return starts


def stability_length_s(seconds: float) -> int:
    """Chooses how long a window of the stability rule is: long, for short ones are noisy."""
    return max(1, int(seconds) // _STABILITY_WINDOWS)


def are_stable(windows: Sequence[Window], *, by_arrivals: bool) -> bool:
    """Tells whether the last three lie within 10 % of one another in rate and median latency.

    The last, for a load that was even until a queue grew did not end in a steady state.
    With `by_arrivals` the rate is taken by what arrived: in an open loop of a steady level the
    arrivals are random, and their noise is none of the server's.
    """
    last = windows[-_AT_THE_END:]
    return len(last) == _AT_THE_END and _agree(last, by_arrivals)


def _agree(windows: Sequence[Window], by_arrivals: bool) -> bool:
    rates = [_rate(window, by_arrivals) for window in windows]
    latencies = [window.p50_ms for window in windows]
    return _are_close(rates) and _are_close(latencies)


def _rate(window: Window, by_arrivals: bool) -> float | None:
    amount = window.offered if by_arrivals else window.seconds
    return window.finished / amount if amount else None


def _are_close(values: Sequence[float | None]) -> bool:
    known = [value for value in values if value]
    return len(known) == len(values) and max(known) <= min(known) * (1 + TOLERANCE)

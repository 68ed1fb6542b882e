"""A sparse HDR histogram: three significant digits over any range, merged by adding counts.

The `hdrhistogram` package has the same precision. It was measured and left out: it takes four
times as long for a value (1.6 us against 0.4 us), allocates its full range for every window,
discards values outside a range fixed beforehand, and needs pbr and setuptools to run.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from loadtest.results import Distribution

_STEPS = 2048
"""Bins of the octave from 0.5 to 1 end at multiples of 1/2048, so a bin is at most 1/1024 wide."""


_NOTHING = 1e-9
"""What is less, in milliseconds, no clock tells from zero."""


class Histogram:
    """Counts values that are zero or greater; its mean, least and greatest are exact."""

    __slots__ = ("_bins", "count", "greatest", "least", "total")

    def __init__(self) -> None:
        self._bins: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.greatest = 0.0

    def record(self, value: float, times: int = 1) -> None:
        """Adds a value; ValueError for one that is negative or not finite."""
        if not 0 <= value < math.inf:
            raise ValueError(f"a histogram counts finite values from 0 on, not {value!r}")
        if value < _NOTHING:
            value = 0.0
        key = _key_of(value)
        self._bins[key] = self._bins.get(key, 0) + times
        self.count += times
        self.total += value * times
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)

    def add(self, other: "Histogram") -> None:
        """Adds all that another one counted."""
        for key, times in other._bins.items():
            self._bins[key] = self._bins.get(key, 0) + times
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)

    def percentile(self, percent: float) -> float | None:
        """Tells the value that so many percent do not exceed; None of nothing."""
        return self.percentiles([percent])[0]

    def percentiles(self, percents: Iterable[float]) -> list[float | None]:
        """Tells several at once; they must ascend."""
        edges = iter(sorted(self._bins.items()))
        found: list[float | None] = []
        counted, edge = 0, 0.0
        for percent in percents:
            # Rounded, for 0.999 * 1000 must not become 999.0000000000001, whose ceiling is 1000.
            rank = max(1, math.ceil(round(percent / 100 * self.count, 6)))
            while counted < min(rank, self.count):
                key, times = next(edges)
                counted, edge = counted + times, _edge_of(key)
            found.append(max(self.least, min(edge, self.greatest)) if self.count else None)
        return found

    def distribution(self, unit: str) -> Distribution | None:
        """Gives its figures as plain data; None of nothing."""
        if not self.count:
            return None
        p50, p90, p95, p99, p999 = map(float, self._known([50, 90, 95, 99, 99.9]))
        return Distribution(
            unit=unit,
            count=self.count,
            mean=self.total / self.count,
            least=self.least,
            p50=p50,
            p90=p90,
            p95=p95,
            p99=p99,
            p999=p999,
            greatest=self.greatest,
            bins=tuple((_edge_of(key), times) for key, times in sorted(self._bins.items())),
        )

    @classmethod
    def of_distribution(cls, distribution: Distribution) -> "Histogram":
        """Makes the histogram again that gave a distribution."""
        histogram = cls()
        for edge, times in distribution.bins:
            # The edge itself is the first value of the next bin.
            histogram._bins[_key_of(math.nextafter(edge, 0))] = times
        histogram.count = distribution.count
        histogram.total = distribution.mean * distribution.count
        histogram.least, histogram.greatest = distribution.least, distribution.greatest
        return histogram

    def dump(self) -> dict[str, Any]:
        """Gives all of it as JSON has it."""
        bins = sorted(self._bins.items())
        return {
            "bins": [list(pair) for pair in bins],
            "total": self.total,
            "least": self.least if self.count else None,
            "greatest": self.greatest,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "Histogram":
        """Reads what `dump` gave."""
        histogram = cls()
        histogram._bins = dict(data["bins"])
        histogram.count = sum(histogram._bins.values())
        histogram.total = data["total"]
        histogram.least = math.inf if data["least"] is None else data["least"]
        histogram.greatest = data["greatest"]
        return histogram

    def _known(self, percents: list[float]) -> list[float]:
        return [value for value in self.percentiles(percents) if value is not None]


_ZERO = -(1 << 40)
"""The bin of the value 0, which has no octave."""


def _key_of(value: float) -> int:
    if value == 0:
        return _ZERO
    mantissa, exponent = math.frexp(value)
    return (exponent << 11) | int(mantissa * _STEPS)


def _edge_of(key: int) -> float:
    """Gives the highest value of a bin, rounded up to the first of the next."""
    if key == _ZERO:
        return 0.0
    return math.ldexp(((key & (_STEPS - 1)) + 1) / _STEPS, key >> 11)

"""How far a mean over documents may lie from the truth, by drawing the documents again.

    N documents    M measures    R resamples

"An Introduction to the Bootstrap", Efron and Tibshirani 1993, chapter 13: draw N of the N
documents with replacement, R times; the middle 95 % of the R means is the interval. Two systems
are compared on the same draws (Koehn 2004, "Statistical Significance Tests for Machine
Translation Evaluation"), so a document that is hard for both cancels out.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

RESAMPLES = 2_000
SEED = 0
_TAILS = (2.5, 97.5)  # per cent
_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Mean:
    """The mean of one measure and its 95 % interval; NaN throughout if no document has a value."""

    value: float
    low: float
    high: float
    documents: int  # that have a value: a summary without numbers has no share of right numbers


def means(values: Matrix, *, resamples: int = RESAMPLES, seed: int = SEED) -> list[Mean]:
    """The mean of each column of values [N,M]; NaN is where a document has no value."""
    defined = ~np.isnan(values)  # [N,M]
    filled = np.where(defined, values, 0.0)
    draws = _draws(len(values), resamples, seed)  # [R,N]
    with np.errstate(invalid="ignore"):  # 0 / 0 where a draw has no value at all
        resampled = _product(draws, filled) / _product(draws, defined.astype(float))  # [R,M]
        exact = filled.sum(0) / defined.sum(0)  # [M]
    return [
        Mean(float(exact[column]), *_interval(resampled[:, column]), int(defined[:, column].sum()))
        for column in range(values.shape[1])
    ]


def differences(
    ours: Matrix, theirs: Matrix, *, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Mean]:
    """The mean of ours - theirs for each column, over the documents where both have a value."""
    return means(ours - theirs, resamples=resamples, seed=seed)


@lru_cache(maxsize=1)  # every measure of every system is drawn alike
def _draws(documents: int, resamples: int, seed: int) -> NDArray[np.uint16]:
    """How often each resample holds each document: [R,N], each row summing to N."""
    generator = np.random.default_rng(seed)
    shares = np.full(documents, 1 / documents)
    draws = [generator.multinomial(documents, shares).astype(np.uint16) for _ in range(resamples)]
    return np.stack(draws)


def _product(draws: NDArray[np.uint16], values: Matrix) -> Matrix:
    """draws @ values, a few draws at a time: as floats all at once would be four times as large."""
    parts = np.array_split(draws, max(1, draws.size // _AT_ONCE))
    return np.concatenate([part.astype(float) @ values for part in parts])


def _interval(resampled: Matrix) -> tuple[float, float]:
    """The middle 95 % of the resampled means."""
    resampled = resampled[~np.isnan(resampled)]
    if not len(resampled):
        return float("nan"), float("nan")
    low, high = np.percentile(resampled, _TAILS)
    return float(low), float(high)

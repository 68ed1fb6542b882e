"""Drawing a token: what model/decoding/sampling.py draws, in a fraction of its time.

Every filter keeps the likeliest tokens and drops the rest, so all of them together keep the first n
of the vocabulary in falling order. Nearly always, n and the token drawn are found among a few
tokens that are not much less likely than the likeliest, and only those are sorted.
"""

import numpy as np

from server.decoding.strategy import Array
from server.types import DecodingOptions

# Log-probabilities less that of the likeliest token: down to where tokens are looked at first, and
# if they do not suffice, further. The last look is at all.
_LEAST = float(np.finfo(np.float64).min)  # what is forbidden lies below
_LOOKS = (-4.0, -8.0, -12.0, _LEAST)


def uniform(seed: int, index: int, place: int) -> float:
    """A number in [0, 1) for one token of one summary, the same whenever it is asked for."""
    key = np.array([seed, index], np.uint64)  # a plain list would be rounded above 2**63
    bits = np.random.Philox(key=key, counter=place).random_raw()
    return (int(bits) >> 11) / 2**53


class Draws:
    """Draws tokens under the temperature and the filters of one request."""

    def __init__(self, options: DecodingOptions, vocabulary_size: int) -> None:
        self._temperature = options.temperature
        self._top_k = options.top_k
        self._top_p = options.top_p
        self._min_p = options.min_p
        # [V]: log-probabilities less that of the likeliest token, and their exponentials.
        self._depths = np.empty(vocabulary_size)
        self._weights = np.empty(vocabulary_size)

    def draw(self, scores: Array, u: float) -> int | None:
        """The token of scores [V] that u gives; None if all scores are minus infinity."""
        highest = float(scores.max())
        if highest == -np.inf:
            return None
        depths, weights = self._depths, self._weights
        np.subtract(scores, highest, out=depths, dtype=np.float64)  # as its name says, not float32
        depths /= self._temperature
        np.exp(depths, out=weights)
        least = self._least_of_top_k()
        total = float(weights.sum() if least == _LEAST else weights[depths >= least].sum())
        for look in (max(look, least) for look in _LOOKS):
            rising = np.sort(-depths[depths >= look])
            rank = self._rank(np.exp(-rising), total, u, are_all=look == least)
            if rank is not None:
                depth = rising[rank]
                equals = np.flatnonzero(depths == -depth)
                return int(equals[rank - rising.searchsorted(depth)])
        raise AssertionError("a look at all tokens suffices")

    def _least_of_top_k(self) -> float:
        """The depth of the last token that top_k keeps; its equals are kept too."""
        num_tokens = len(self._depths)
        if 0 < self._top_k < num_tokens:
            for look in _LOOKS:
                near = self._depths[self._depths >= look]
                if len(near) >= self._top_k:
                    place = len(near) - self._top_k
                    return float(np.partition(near, place)[place])
        return _LEAST

    def _rank(self, falling: Array, total: float, u: float, *, are_all: bool) -> int | None:
        """Which of the likeliest tokens is drawn; None if these are too few to know.

        falling are their weights, and total is the weight of all tokens that top_k keeps.
        """
        sums = falling.cumsum()
        num_kept, is_known = len(falling), are_all
        if self._top_p < 1:
            in_nucleus = int(sums.searchsorted(self._top_p * total)) + 1
            if in_nucleus <= num_kept:
                num_kept, is_known = in_nucleus, True
        if self._min_p > 0:
            likely = int((falling[:num_kept] >= self._min_p).sum())
            if likely < num_kept:
                num_kept, is_known = likely, True
        if is_known:
            total = float(sums[num_kept - 1])
        elif self._top_p < 1 or self._min_p > 0:
            return None
        rank = int(sums[:num_kept].searchsorted(u * total, side="right"))
        if rank == num_kept:
            return num_kept - 1 if is_known else None  # rounding may leave the last sum below
        return rank

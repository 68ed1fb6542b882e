"""How central each sentence is: TextRank in whole numbers, in time that grows with the text alone.

"TextRank: Bringing Order into Texts", Mihalcea and Tarau 2004: the share of its time that a walk
from sentence to similar sentence spends at each, where it starts again anywhere with probability
0.15. Two things differ from the paper.

- Sentences are as similar as the cosine of the angle between their sets of content words: the words
  in common over the square root of the product of both counts. It ranks as well as the paper's
  measure (docs/long-documents.md), and it is a product of one factor for each sentence, so a step
  of the walk goes over the words, never over pairs of sentences. A document of any length is ranked
  as a whole: 300,000 characters take about 0.1 s.
- Everything is a whole number of 64 bits. A sum of whole numbers is the same in any order, so every
  processor ranks alike, whatever its vector instructions; floating-point sums do not have that.
"""

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_ROUNDS = 30  # 0.85 ** 30 is below 0.01
_STAY_PERCENT = 85
# Powers of two, so that nothing below leaves 64 bits: see the bounds there.
_UNIT = 1 << 14  # 1 as a factor of a sentence; their products have twice the bits
_TOTAL = 1 << 40  # all ranks together
_SHIFT = 8  # what a rank over the similarities of its sentence is multiplied by
# Who is hardly like any other passes its rank on to hardly anyone.
_LEAST_SIMILARITY = _UNIT * _UNIT // 16


def centrality(words: Sequence[Sequence[str]]) -> Numbers:
    """One number for each sentence, by its content words; more is more central."""
    if not words:
        return np.zeros(0, np.int64)
    places = _Places(words)
    factors = np.array([_factor(size) for size in places.sizes.tolist()], np.int64)
    similarities = factors * places.sums_of_others(factors)
    leaving = np.maximum(similarities, _LEAST_SIMILARITY)
    start = _TOTAL // len(words)
    ranks = np.full(len(words), start, np.int64)
    for _ in range(_ROUNDS):
        # At most 2^14 * 2^40 * 2^8; what arrives, together, at most 2^40 * 2^8.
        passed_on = (factors * ranks << _SHIFT) // leaving
        arriving = factors * places.sums_of_others(passed_on)
        ranks = (100 - _STAY_PERCENT) * start // 100 + _STAY_PERCENT * (arriving >> _SHIFT) // 100
    return ranks


def _factor(size: int) -> int:
    """One over the square root of a count of words."""
    return isqrt(_UNIT * _UNIT // size) if size else 0


class _Places:
    """Which sentences hold which words, as arrays."""

    def __init__(self, words: Sequence[Sequence[str]]) -> None:
        numbers: dict[str, int] = {}
        held = [
            sorted({numbers.setdefault(word, len(numbers)) for word in sentence})
            for sentence in words
        ]
        self.sizes = np.array([len(each) for each in held], np.int64)
        self._words = np.array([number for each in held for number in each], np.int64)
        self._by_word = np.argsort(self._words, kind="stable")
        sentences = np.repeat(np.arange(len(held)), self.sizes)
        self._sentences = sentences[self._by_word]
        self._sentence_ends = np.cumsum(self.sizes)
        self._word_ends = np.cumsum(np.bincount(self._words, minlength=len(numbers)))

    def sums_of_others(self, values: Numbers) -> Numbers:
        """For each sentence: the values of all others, each times the number of shared words."""
        by_word = _segment_sums(values[self._sentences], self._word_ends)
        with_itself = _segment_sums(by_word[self._words], self._sentence_ends)
        return with_itself - self.sizes * values


def _segment_sums(values: Numbers, ends: Numbers) -> Numbers:
    """The sums of stretches that follow each other; empty ones are 0.

    The running sum may wrap around 64 bits: differences of it are right all the same.
    """
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values)])[ends]
    return np.diff(running, prepend=np.int64(0))

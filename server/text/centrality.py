"""How central each sentence is: TextRank in whole numbers, in time that grows with the text alone.

"TextRank: Bringing Order into Texts", Mihalcea and Tarau 2004: the share of its time that a walk
from sentence to similar sentence spends at each, where it starts again anywhere with probability
0.15. Two things differ from the paper.

- Two sentences are as similar as the words that they share are rare, over the lengths of both to
  the power 3/8. This ranks a little better than the paper's measure (docs/long-documents.md), and
  it is a product of one factor for each sentence, so a step of the walk goes over the words, never
  over pairs of sentences: a document of any length is ranked as a whole, 300,000 characters in
  about 0.1 s, with some 100 bytes of memory for each content word.
- Everything is a whole number of 64 bits. A sum of whole numbers is the same in any order, so every
  processor ranks alike, whatever its vector instructions; floating-point sums do not have that.
"""

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from server.text.whole_numbers import FRACTION_BITS, log2

Numbers = NDArray[np.int64]

TOTAL = 1 << 36
"""What all ranks add up to, at most."""

_ROUNDS = 30  # 0.85 ** 30 is below 0.01
_STAY_PERCENT = 85
# Scales, all powers of two, so that nothing leaves 64 bits and little is lost; see centrality().
_FACTOR_BITS = 12
_RARITY_BITS = 4
_SHIFT_BEFORE = 14
_SHIFT_AFTER = 4
# Who is hardly like any other passes its rank on to hardly anyone: about 1/16 of its likeness to
# itself, if it has ten words.
_LEAST_SIMILARITY = 1 << 27


def centrality(words: Sequence[Sequence[str]]) -> Numbers:
    """One number for each sentence, by its content words; more is more central."""
    if not words:
        return np.zeros(0, np.int64)
    places = _Places(words)
    factors = np.array([_factor(size) for size in places.sizes.tolist()], np.int64)
    leaving = np.maximum(factors * places.sums_of_others(factors), _LEAST_SIMILARITY)
    leaving >>= _SHIFT_AFTER
    start = TOTAL // len(words)
    ranks = np.full(len(words), start, np.int64)
    for _ in range(_ROUNDS):
        # At most 2^(12 + 36 + 14); what arrives, at most 2^(36 + 14 + 4) and what a sentence passes
        # on to itself before that is taken off, 2^8 times as much for one of 1,000 rare words.
        passed_on = (factors * ranks << _SHIFT_BEFORE) // leaving
        arriving = factors * places.sums_of_others(passed_on) >> _SHIFT_BEFORE + _SHIFT_AFTER
        ranks = (100 - _STAY_PERCENT) * start // 100 + _STAY_PERCENT * arriving // 100
    return ranks


def _factor(size: int) -> int:
    """A count of words to the power -3/8."""
    return isqrt(isqrt(isqrt((1 << 8 * _FACTOR_BITS) // size**3))) if size else 0


class _Places:
    """Which sentences hold which words, and how rare the words are, as arrays."""

    def __init__(self, words: Sequence[Sequence[str]]) -> None:
        numbers: dict[str, int] = {}
        held = [
            sorted({numbers.setdefault(word, len(numbers)) for word in sentence})
            for sentence in words
        ]
        self.sizes = np.array([len(each) for each in held], np.int64)
        self._words = np.array([number for each in held for number in each], np.int64)
        self._by_word = np.argsort(self._words, kind="stable")
        self._sentences = np.repeat(np.arange(len(held)), self.sizes)[self._by_word]
        self._sentence_ends = np.cumsum(self.sizes)
        counts = np.bincount(self._words, minlength=len(numbers))
        self._word_ends = np.cumsum(counts)
        rarities = [_rarity(count, len(words)) for count in counts.tolist()]
        self._rarities = np.array(rarities, np.int64)
        self._own_rarity = _segment_sums(self._rarities[self._words], self._sentence_ends)

    def sums_of_others(self, values: Numbers) -> Numbers:
        """For each sentence: the values of all others, each times the rarity of what they share."""
        by_word = self._rarities * _segment_sums(values[self._sentences], self._word_ends)
        with_itself = _segment_sums(by_word[self._words], self._sentence_ends)
        return with_itself - self._own_rarity * values


def _rarity(count: int, sentences: int) -> int:
    """The logarithm of (sentences + 1) / (count + 1/2), never 0."""
    logarithm = log2(2 * sentences + 2) - log2(2 * count + 1)
    return max(1, logarithm >> FRACTION_BITS - _RARITY_BITS)


def _segment_sums(values: Numbers, ends: Numbers) -> Numbers:
    """The sums of stretches that follow each other; empty ones are 0.

    The running sum may wrap around 64 bits: differences of it are right all the same.
    """
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values)])[ends]
    return np.diff(running, prepend=np.int64(0))

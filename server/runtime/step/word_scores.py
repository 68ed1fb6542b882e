"""What a step says of every word: where it is written, and what is made of it."""

import math

import numpy as np

from server.decoding.strategy import Array

_SMALLEST_NORMAL = np.finfo(np.float32).tiny


class WordScores:
    """One stretch of memory for all bindings: what a step says holds until the next step only.

    Each binding with one of its own would keep rows x tokens x vocabulary of floats: with the many
    shapes that steps have, more than the model itself.
    """

    def __init__(self) -> None:
        self._memory = np.zeros(0, np.float32)

    def of_shape(self, *shape: int) -> Array:
        """An array over the beginning of it; those given out before stay as they are."""
        size = math.prod(shape)
        if size > len(self._memory):
            # At least doubled: whatever older arrays keep alive is less than this in all.
            self._memory = np.zeros(max(size, 2 * len(self._memory)), np.float32)
        return self._memory[:size].reshape(shape)


def scores_of(words: Array, *, gives_logits: bool) -> Array:
    """What the graph says of every word, as something to be multiplied by a penalty."""
    if gives_logits:
        return words
    scores: Array = np.log(np.maximum(words, _SMALLEST_NORMAL))
    return scores

"""What the scripted runner's network says: made up, and the same whenever it is asked.

It wants to write the second half of a source and then the first, so that much of a copied draft is
right and some of it is not.
"""

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PAD, END, VOCABULARY = 0, 1, 64
# A beam search with as many beams as a test asks for looks at fewer.
CANDIDATES = 16

Array = NDArray[Any]


class Answer(NamedTuple):
    """What may follow one beginning of a summary."""

    log_probs: Array  # [V]
    # The source position that the best word comes from.
    copy_index: int
    copy_gate: float


def said(source: Sequence[int]) -> list[int]:
    """What greedy decoding writes of a source."""
    middle = len(source) // 2
    return [*source[middle:], *source[:middle]]


def make_source(seed: int, length: int) -> tuple[int, ...]:
    """Ordinary words, most likely no other seed's."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return tuple(draw.randrange(8, VOCABULARY) for _ in range(length))


@lru_cache(maxsize=100_000)
def answer(source: tuple[int, ...], beginning: tuple[int, ...]) -> Answer:
    """Depends on every word of the source and of the beginning, and on nothing else.

    The start token counts as part of the beginning.
    """
    seed = random.Random(str((source, beginning))).getrandbits(64)  # noqa: S311 - no secret
    scores = 2 * np.random.default_rng(seed).standard_normal(VOCABULARY)
    words = [*said(source), END]
    place = min(len(beginning), len(words)) - 1
    scores[words[place]] = scores.max() + 1
    log_probs = scores - np.log(np.exp(scores).sum())
    copy_index = (len(source) // 2 + place) % len(source)
    return Answer(log_probs.astype(np.float32), copy_index, 0.9)

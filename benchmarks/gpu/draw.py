"""Random weights that are the same on every machine: made from numbers, so that nothing travels.

They are drawn as wide as training leaves them, so that attention looks somewhere and the likeliest
token is ahead of the next.
"""

import os
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

_SEED = 2026
# Standard deviation of the scores that the output gives to the words.
_SCORE_SPREAD = 3.0

Weights = dict[str, NDArray[np.float16]]


def draw_all(shapes: Mapping[str, Sequence[int]]) -> Weights:
    """Every weight of a checkpoint in transformers' names; threads share the work."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        drawn = pool.map(lambda item: draw(*item), shapes.items())
        return dict(zip(shapes, drawn, strict=True))


def draw(name: str, shape: Sequence[int]) -> NDArray[np.float16]:
    """One weight, by its name alone."""
    if name.endswith("final_logits_bias"):
        return np.zeros(shape, np.float16)
    generator = np.random.default_rng([_SEED, zlib.crc32(name.encode())])
    values = generator.standard_normal(tuple(shape), dtype=np.float32)
    values *= _spread(name, shape)
    if "norm" in name and name.endswith("weight"):
        values += 1
    return values.astype(np.float16)


def _spread(name: str, shape: Sequence[int]) -> float:
    if "norm" in name:
        return 0.1
    if len(shape) == 1:
        return 0.05
    if "embed_positions" in name:
        return 1.0
    inputs = float(shape[1]) ** 0.5
    return (_SCORE_SPREAD if "shared" in name else 1.0) / inputs

"""At which sizes a step runs, and what it reads and writes beside the memory of its rows.

n rows    q tokens of each    L cache slots    N excluded ids    K candidates
"""

import math
from typing import Any, NamedTuple

import numpy as np

from bundle.manifest import Geometry
from bundle.signature import DECODER_AHEAD, DECODER_TOKENS, TOP_K, num_candidates
from server.decoding.strategy import Array

# decoder_tokens is never run over a single token, which it would round otherwise than the same
# token in company: only decoder_step makes up for that (docs/adr/0007).
FEWEST_TOKENS = 2


class StepShape(NamedTuple):
    """What a step is bound, and captured, for."""

    graph: str
    rows: int
    source: int
    slots: int
    tokens: int
    excluded: int
    gives_words: bool = False


class Field(NamedTuple):
    """One array."""

    name: str
    dtype: Any
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return int(math.prod(self.shape) * np.dtype(self.dtype).itemsize)


def input_fields(shape: StepShape) -> list[Field]:
    """What a step reads of what its rows propose."""
    rows, tokens = shape.rows, shape.tokens
    fields = [
        Field("token_ids", np.int64, (rows, tokens)),
        Field("position", np.int64, (rows,)),
        Field("excluded_ids", np.int64, (rows, tokens, shape.excluded)),
    ]
    if shape.graph == DECODER_TOKENS:
        fields += [
            Field("places", np.int64, (rows, tokens)),
            Field("visible", np.bool_, (rows, tokens, shape.slots)),
        ]
    return fields


def output_fields(shape: StepShape, geometry: Geometry) -> list[Field]:
    """What a step writes of each token, the scores of all words left out."""
    rows, tokens = shape.rows, shape.tokens
    candidates = num_candidates(geometry) if shape.graph == DECODER_TOKENS else TOP_K
    fields = []
    if shape.graph == DECODER_AHEAD:  # as the inputs of the next step begin
        fields += [
            Field("next_token_ids", np.int64, (rows, tokens)),
            Field("next_position", np.int64, (rows,)),
        ]
    fields += [
        Field("top_ids", np.int64, (rows, tokens, candidates)),
        Field("top_log_probs", np.float32, (rows, tokens, candidates)),
    ]
    if geometry.copy_head:
        fields += [
            Field("copy_gate", np.float32, (rows, tokens)),
            Field("copy_source_index", np.int64, (rows, tokens)),
        ]
    return fields


def slot_positions(shape: StepShape, width: int) -> Array:
    """How many tokens come before the one in each slot: the same at every step."""
    slots = np.arange(shape.slots, dtype=np.int64)
    if shape.graph != DECODER_TOKENS:
        return slots
    return np.tile(slots // width, (shape.rows, 1))

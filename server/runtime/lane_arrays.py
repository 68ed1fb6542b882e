"""One allocation of a lane's tensors.

Every array of rows has the row as its first axis, so rows 0..n-1 are one contiguous piece of memory
that a step can be bound to without copying.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.manifest import Geometry
from bundle.signature import (
    SLOT_POSITIONS,
    SOURCE_PADDING_BIAS,
    TOP_K,
    cache_names,
    cross_names,
)

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much an allocation holds."""

    rows: int
    source_tokens: int
    cache_tokens: int


class LaneArrays:
    """The arrays, empty when made. They never move: who needs other sizes makes others."""

    def __init__(self, geometry: Geometry, capacity: Capacity) -> None:
        self.capacity = capacity
        rows, source = capacity.rows, capacity.source_tokens
        self.cross = {name: _per_head(geometry, rows, source) for name in cross_names(geometry)}
        self.caches = {
            name: _per_head(geometry, rows, capacity.cache_tokens) for name in cache_names(geometry)
        }
        self.source_lengths = np.ones(rows, np.int64)
        self.copy_source: dict[str, Array] = {}
        if geometry.copy_head:
            self.copy_source = {
                "source_ids": np.zeros((rows, source), np.int64),
                "source_bias": np.full((rows, source), SOURCE_PADDING_BIAS, np.float32),
                "encoder_states": np.zeros((rows, source, geometry.d_model), np.float32),
            }
        # The same for every row: what the slots of the caches stand for.
        self.of_all_rows: dict[str, Array] = {}
        if geometry.relative_positions:
            self.of_all_rows[SLOT_POSITIONS] = np.arange(capacity.cache_tokens, dtype=np.int64)
        self.token_ids = np.zeros((rows, 1), np.int64)
        self.position = np.zeros(rows, np.int64)
        self.top_ids = np.zeros((rows, 1, TOP_K), np.int64)
        self.top_log_probs = np.zeros((rows, 1, TOP_K), np.float32)

    def inputs(self, num_rows: int) -> dict[str, Array]:
        """Every input of the decoder that lives here, by name, for the first rows."""
        by_row = {
            "token_ids": self.token_ids,
            "position": self.position,
            "source_lengths": self.source_lengths,
            **self.copy_source,
            **self.cross,
            **self.caches,
        }
        return {name: array[:num_rows] for name, array in by_row.items()} | self.of_all_rows

    def store(self, row: int, source_ids: Sequence[int], encoded: Mapping[str, Array]) -> None:
        """Puts one encoded document in a row: [H,S,D] and [S,d] arrays, padding allowed.

        The rest of the row becomes zeros: masked values are multiplied by 0, and if the row's last
        document left a NaN there, 0 times NaN would be NaN.
        """
        length = len(source_ids)
        for name, target in self.cross.items():
            target[row, :, :length] = encoded[name][:, :length]
            target[row, :, length:] = 0
        for target in self.caches.values():
            target[row] = 0
        self.source_lengths[row] = length
        if self.copy_source:
            states = self.copy_source["encoder_states"]
            states[row, :length] = encoded["encoder_states"][:length]
            states[row, length:] = 0
            self.copy_source["source_ids"][row, :length] = source_ids
            self.copy_source["source_bias"][row, :length] = 0
            self.copy_source["source_bias"][row, length:] = SOURCE_PADDING_BIAS

    def move(self, source_row: int, target_row: int) -> None:
        """Copies all that a row holds over another."""
        for array in self._row_state():
            array[target_row] = array[source_row]

    def copy_from(self, other: "LaneArrays") -> None:
        """Takes over all rows of a smaller allocation."""
        for old, new in zip(other._row_state(), self._row_state(), strict=True):
            new[tuple(slice(size) for size in old.shape)] = old

    def _row_state(self) -> list[Array]:
        """What belongs to a row from one step to the next."""
        state = [*self.cross.values(), *self.caches.values(), *self.copy_source.values()]
        return [*state, self.source_lengths]


def _per_head(geometry: Geometry, rows: int, tokens: int) -> Array:
    return np.zeros((rows, geometry.heads, tokens, geometry.head_dim), np.float32)

"""The tensors behind the rows of one lane.

Every array has the row as its first axis, so rows 0..n-1 are one contiguous piece of memory that a
step can be bound to without copying. Arrays begin small and grow by copy: attention on the CPU
computes over the whole capacity, padding included, so room that nobody uses would cost time at
every step.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.manifest import Geometry
from bundle.signature import (
    SOURCE_PADDING_BIAS,
    TOP_K,
    cache_names,
    cross_names,
    updated_cache_names,
)

Array = NDArray[Any]

_FIRST_ROWS = 1
_FIRST_CACHE_TOKENS = 32


class Lane:
    """Memory for rows whose source has at most `source_capacity` tokens."""

    def __init__(self, geometry: Geometry, source_capacity: int) -> None:
        self.source_capacity = source_capacity
        self.cache_capacity = _FIRST_CACHE_TOKENS
        self.rows_capacity = _FIRST_ROWS
        # Grows whenever an array moves: whoever holds addresses must ask for them again.
        self.generation = 0
        self.cache_names = list(
            zip(cache_names(geometry), updated_cache_names(geometry), strict=True)
        )
        self._geometry = geometry
        self._allocate()

    def _allocate(self) -> None:
        geometry, rows = self._geometry, self.rows_capacity
        source, cache = self.source_capacity, self.cache_capacity
        head = geometry.heads, geometry.head_dim
        # Zeros, not whatever the memory held: masked values are multiplied by 0, and 0 times NaN is
        # NaN.
        self.cross = {
            name: np.zeros((rows, head[0], source, head[1]), np.float32)
            for name in cross_names(geometry)
        }
        self.caches = {
            name: np.zeros((rows, head[0], cache, head[1]), np.float32)
            for name in cache_names(geometry)
        }
        self.source_lengths = np.ones(rows, np.int64)
        self.copy_source: dict[str, Array] = {}
        if geometry.copy_head:
            self.copy_source = {
                "source_ids": np.zeros((rows, source), np.int64),
                "source_bias": np.full((rows, source), SOURCE_PADDING_BIAS, np.float32),
                "encoder_states": np.zeros((rows, source, geometry.d_model), np.float32),
            }
        self.token_ids = np.zeros((rows, 1), np.int64)
        self.position = np.zeros(rows, np.int64)
        self.top_ids = np.zeros((rows, 1, TOP_K), np.int64)
        self.top_log_probs = np.zeros((rows, 1, TOP_K), np.float32)

    def inputs(self) -> dict[str, Array]:
        """Every input of the decoder that lives here, by name."""
        return {
            "token_ids": self.token_ids,
            "position": self.position,
            "source_lengths": self.source_lengths,
            **self.copy_source,
            **self.cross,
            **self.caches,
        }

    def ensure(self, *, rows: int, cache_tokens: int) -> None:
        """Makes room by doubling; what the rows hold is kept."""
        if rows <= self.rows_capacity and cache_tokens <= self.cache_capacity:
            return
        before = [*self._row_state().values()]
        kept_rows = self.rows_capacity
        self.rows_capacity = _doubled(self.rows_capacity, rows)
        self.cache_capacity = _doubled(self.cache_capacity, cache_tokens)
        self._allocate()
        for old, new in zip(before, self._row_state().values(), strict=True):
            if old.ndim == 4:
                new[:kept_rows, :, : old.shape[2]] = old
            else:
                new[:kept_rows] = old
        self.generation += 1

    def store(self, row: int, source_ids: Sequence[int], encoded: Mapping[str, Array]) -> None:
        """Puts one encoded document in a row.

        `encoded` holds [H,S,D] and [S,d] arrays, padding allowed.
        """
        length = len(source_ids)
        for name, target in self.cross.items():
            target[row, :, :length] = encoded[name][:, :length]
        self.source_lengths[row] = length
        if self._geometry.copy_head:
            self.copy_source["encoder_states"][row, :length] = encoded["encoder_states"][:length]
            self.copy_source["source_ids"][row, :length] = source_ids
            self.copy_source["source_bias"][row, :length] = 0
            self.copy_source["source_bias"][row, length:] = SOURCE_PADDING_BIAS

    def move(self, source_row: int, target_row: int) -> None:
        """Copies all that a row holds over another."""
        for array in self._row_state().values():
            array[target_row] = array[source_row]

    def _row_state(self) -> dict[str, Array]:
        """What belongs to a row from one step to the next."""
        lengths = {"source_lengths": self.source_lengths}
        return {**self.cross, **self.caches, **self.copy_source, **lengths}


def _doubled(capacity: int, needed: int) -> int:
    while capacity < needed:
        capacity *= 2
    return capacity

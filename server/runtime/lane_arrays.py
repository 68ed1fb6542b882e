"""One allocation of a lane's tensors.

Every array of rows has the row as its first axis, so rows 0..n-1 are one contiguous piece of memory
that a step can be bound to without copying.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.manifest import Geometry, TensorSpec
from bundle.signature import SOURCE_PADDING_BIAS, cache_names, cross_tensors, source_tensors

Array = NDArray[Any]

_SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much an allocation holds."""

    rows: int
    source_tokens: int
    cache_slots: int


class LaneArrays:
    """The arrays, empty when made. They never move: who needs other sizes makes others."""

    def __init__(self, geometry: Geometry, capacity: Capacity) -> None:
        self.capacity = capacity
        self._encoded = {
            tensor.name: _Encoded(_zeros(tensor, capacity), tensor.shape.index(_SOURCE) - 1)
            for tensor in (*cross_tensors(geometry), *source_tensors(geometry))
            if _SOURCE in tensor.shape
        }
        shape = (capacity.rows, geometry.heads, capacity.cache_slots, geometry.head_dim)
        self.caches = {name: np.zeros(shape, np.float32) for name in cache_names(geometry)}
        self._source_lengths = np.ones(capacity.rows, np.int64)
        self._reads_lengths = any(t.name == "source_lengths" for t in source_tensors(geometry))
        if bias := self._encoded.get("source_bias"):
            bias.array.fill(SOURCE_PADDING_BIAS)

    def inputs(self, num_rows: int) -> dict[str, Array]:
        """Every input of a decoder that lives here, by name, for the first rows."""
        by_row = {name: encoded.array for name, encoded in self._encoded.items()} | self.caches
        if self._reads_lengths:
            by_row["source_lengths"] = self._source_lengths
        return {name: array[:num_rows] for name, array in by_row.items()}

    def store(self, row: int, source_ids: Sequence[int], encoded: Mapping[str, Array]) -> None:
        """Puts one encoded document in a row; padding is allowed after its tokens.

        The rest of the row becomes zeros: masked values are multiplied by 0, and if the row's last
        document left a NaN there, 0 times NaN would be NaN.
        """
        length = len(source_ids)
        written = {
            **encoded,
            "source_ids": np.asarray(source_ids, np.int64),
            "source_bias": np.zeros(length, np.float32),
        }
        for name, target in self._encoded.items():
            rest = SOURCE_PADDING_BIAS if name == "source_bias" else 0
            target.put(row, written[name], length, rest)
        for cache in self.caches.values():
            cache[row] = 0
        self._source_lengths[row] = length

    def move(self, source_row: int, target_row: int) -> None:
        """Copies all that a row holds over another."""
        for array in self._row_state():
            array[target_row] = array[source_row]

    def copy_from(self, other: "LaneArrays") -> None:
        """Takes over all rows of another allocation, as much of each as there is room for."""
        for old, new in zip(other._row_state(), self._row_state(), strict=True):
            shared = tuple(map(slice, map(min, old.shape, new.shape)))
            new[shared] = old[shared]

    def _row_state(self) -> list[Array]:
        """What belongs to a row from one step to the next."""
        encoded = [part.array for part in self._encoded.values()]
        return [*encoded, *self.caches.values(), self._source_lengths]


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What the encoder says of each source token: which axis of a row counts the tokens."""

    array: Array
    axis: int

    def put(self, row: int, values: Array, length: int, rest: float) -> None:
        target = np.moveaxis(self.array[row], self.axis, 0)
        target[:length] = np.moveaxis(values, self.axis, 0)[:length]
        target[length:] = rest


def _zeros(tensor: TensorSpec, capacity: Capacity) -> Array:
    sizes = {"batch": capacity.rows, _SOURCE: capacity.source_tokens}
    shape = [sizes[axis] if axis in sizes else int(axis) for axis in tensor.shape]
    return np.zeros(shape, tensor.dtype)

"""Arrays one behind the other in one piece of memory, so that one copy carries them all."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from server.runtime.device.stack import aligned
from server.runtime.lane_arrays import Array


class Field(NamedTuple):
    """One array."""

    name: str
    dtype: Any
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return int(math.prod(self.shape) * np.dtype(self.dtype).itemsize)


class Layout:
    """Where each of some arrays begins."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.offsets: dict[str, int] = {}
        end = 0
        for field in self.fields:
            self.offsets[field.name] = end
            end += aligned(field.nbytes)
        self.nbytes = end

    def views(self, memory: Array) -> dict[str, Array]:
        """The arrays in a piece of host memory, given as bytes."""
        return {
            field.name: memory[(begin := self.offsets[field.name]) : begin + field.nbytes]
            .view(field.dtype)
            .reshape(field.shape)
            for field in self.fields
        }

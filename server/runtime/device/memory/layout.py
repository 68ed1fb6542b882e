"""Arrays one behind the other in one piece of memory, so that one copy carries them all."""

from collections.abc import Sequence

from server.decoding.strategy import Array
from server.runtime.device.memory.stack import aligned
from server.runtime.step.shape import Field


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

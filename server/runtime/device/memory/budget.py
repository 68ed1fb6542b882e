"""How many rows a device has memory for, known before any of it is taken."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bundle.manifest import Geometry
from bundle.signature import float_type, source_tensors
from server.engine.runner import LaneKey
from server.runtime.device.drivers.tensors import ITEM_BYTES
from server.runtime.device.memory.buckets import fit_slots, rows_ladder, source_ladder
from server.runtime.device.memory.stack import RowShape

MOST_ROWS = 256
# What is left for searches with beams, documents in the encoder and onnxruntime's own arenas.
_SHARE_FOR_THE_REST = 1 / 4
# A step makes about so many arrays of rows x tokens x vocabulary in float32 on its way.
_ARRAYS_OF_WORDS = 4


class NotEnoughDeviceMemory(Exception):
    """The rows asked for do not fit; says how many do."""

    def __init__(self, *, asked: int, fits: int, bytes_per_row: int, available: int) -> None:
        self.asked, self.fits = asked, fits
        self.bytes_per_row, self.available = bytes_per_row, available
        what = f"{fits} would fit" if fits else "not even one would fit"
        super().__init__(
            f"{asked} rows of {_mib(bytes_per_row)} MiB each do not fit in the "
            f"{_mib(available)} MiB of device memory left for them: {what}; ask for fewer "
            "(--max-rows) or for a larger share of the memory (--device-memory-fraction)"
        )


@dataclass(frozen=True, slots=True)
class LaneShapes:
    """What a row of a lane holds at most."""

    longest_source: int
    most_slots: int
    cross: RowShape
    caches: RowShape
    states: RowShape | None
    # source_ids, source_bias and source_lengths, as far as the decoder reads them.
    has_ids: bool
    bias_bytes: int

    def row_bytes(self) -> int:
        """What a row takes in all."""
        shapes = [(self.cross, self.longest_source), (self.caches, self.most_slots)]
        if self.states is not None:
            shapes.append((self.states, self.longest_source))
        small = self.longest_source * (8 * self.has_ids + self.bias_bytes) + 8
        return small + sum(shape.nbytes(1, lines) for shape, lines in shapes)

    def scratch_bytes(self, rows: int) -> int:
        """What rows take in the largest tensor, which is laid out anew by way of a copy."""
        widths = [(self.cross, self.longest_source), (self.caches, self.most_slots)]
        if self.states is not None:
            widths.append((self.states, self.longest_source))
        return max(shape.pitch(rows, lines) for shape, lines in widths)


def lane_shapes(geometry: Geometry, key: LaneKey, most_written: int) -> LaneShapes:
    """The sizes of a lane whose summaries fill at most so many places, drafts included."""
    line_bytes = geometry.head_dim * ITEM_BYTES[float_type(geometry)]
    keys_and_values = RowShape(2 * geometry.decoder_layers, geometry.heads, line_bytes)
    read = {tensor.name: tensor for tensor in source_tensors(geometry)}
    states = None
    if "encoder_states" in read:
        states = RowShape(1, 1, geometry.d_model * ITEM_BYTES[float_type(geometry)])
    return LaneShapes(
        longest_source=source_ladder(key.longest_source)[-1],
        most_slots=fit_slots(key.width * most_written),
        cross=keys_and_values,
        caches=keys_and_values,
        states=states,
        has_ids="source_ids" in read,
        bias_bytes=ITEM_BYTES[float_type(geometry)] if "source_bias" in read else 0,
    )


def available_bytes(*, free: int, total: int, fraction: float) -> int:
    """What is left for rows of the share of the device that is ours."""
    return max(0, int(free - (1 - fraction) * total))


def count_rows(
    lanes: Sequence[LaneShapes], *, asked: int, available: int, tokens: int, vocab_size: int,
    encoding: int = 0,
) -> int:  # fmt: skip
    """How many rows each lane gets: as many as asked for, or, asked for 0, as many as are wise.

    `encoding` is what documents in the encoder take at most. Raises NotEnoughDeviceMemory.
    """

    def needed(rows: int) -> int:
        room = sum(rows * lane.row_bytes() for lane in lanes)
        scratch = sum(lane.scratch_bytes(rows) for lane in lanes)
        return room + scratch + _ARRAYS_OF_WORDS * rows * tokens * vocab_size * 4

    most = asked or MOST_ROWS
    rest = 0 if asked else max(math.ceil(available * _SHARE_FOR_THE_REST), encoding)
    room = available - rest
    fits = _largest(most, lambda rows: needed(rows) <= room)
    if fits == 0 or (asked and fits < asked):
        raise NotEnoughDeviceMemory(
            asked=asked or 1, fits=fits, bytes_per_row=needed(1), available=available
        )
    if asked:
        return asked
    # A number that steps come in, so that none is padded beyond it.
    return max(rows for rows in rows_ladder(MOST_ROWS) if rows <= fits)


def _largest(most: int, holds: Callable[[int], bool]) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _mib(nbytes: int) -> int:
    return -(-nbytes // 2**20)

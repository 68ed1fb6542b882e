"""What a decoder reads of each document that the host knows: its ids, its length, its padding."""

from collections.abc import Sequence

import numpy as np

from bundle.signature import SOURCE_PADDING_BIAS
from server.decoding.strategy import Array
from server.runtime.device.drivers.device import Device, Mark, Queue
from server.runtime.device.drivers.tensors import ITEM_BYTES, DeviceTensor

_NUMPY_TYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": np.uint16}


class SourceArrays:
    """The same arrays on the host and on the device: written here, read there."""

    def __init__(
        self, device: Device, queue: Queue, *, rows: int, longest: int, bias_type: str | None,
        has_ids: bool,
    ) -> None:  # fmt: skip
        self._rows = rows
        self._bias_type = bias_type
        self._padding = _padding(bias_type) if bias_type else None
        ids_bytes = rows * longest * 8 if has_ids else 0
        bias_bytes = rows * longest * ITEM_BYTES[bias_type] if bias_type else 0
        self._ids_at, self._bias_at = rows * 8, rows * 8 + ids_bytes
        self._block = device.allocate(rows * 8 + ids_bytes + bias_bytes)
        self._staged = device.stage(self._block.nbytes)
        self._lengths: Array = self._staged[: rows * 8].view(np.int64)
        self._ids_memory = self._staged[self._ids_at : self._bias_at].view(np.int64)
        self._bias_memory: Array = self._staged[self._bias_at :]
        if bias_type:
            self._bias_memory = self._bias_memory.view(_NUMPY_TYPES[bias_type])
        self._has_ids = has_ids
        self._lengths.fill(1)
        # A step is captured before the first document comes.
        queue.upload(self._block.address, self._lengths)
        self._uploaded: Mark | None = queue.mark()

    @property
    def nbytes(self) -> int:
        """What they take on the device."""
        return self._block.nbytes

    def lengths(self, slots: Array) -> Array:
        """How long the documents in these slots are."""
        return self._lengths[slots]

    def put(
        self, queue: Queue, source: int, slots: Sequence[int], documents: Sequence[Sequence[int]]
    ) -> None:
        """Writes documents to slots, each of which has room for so many tokens."""
        self._wait()
        self._bound_lengths(source)
        ids, bias = self._views(source)
        for slot, document in zip(slots, documents, strict=True):
            length = len(document)
            self._lengths[slot] = length
            if ids is not None:
                ids[slot, :length] = document
                ids[slot, length:] = 0
            if bias is not None:
                bias[slot, :length] = 0
                bias[slot, length:] = self._padding
        self._upload(queue, source, min(slots), max(slots) + 1)

    def move(self, queue: Queue, source: int, origin: int, target: int) -> None:
        """Copies a slot over another."""
        self._wait()
        self._lengths[target] = self._lengths[origin]
        for array in self._views(source):
            if array is not None:
                array[target] = array[origin]
        self._upload(queue, source, target, target + 1)

    def spread(self, queue: Queue, rows: int, old: int, new: int) -> None:
        """Gives the first rows room for another number of tokens."""
        self._wait()
        self._bound_lengths(new)
        shared = min(old, new)
        before, after = self._views(old), self._views(new)
        for (was, now), rest in zip(
            zip(before, after, strict=True), (0, self._padding), strict=True
        ):
            if was is not None and now is not None:
                kept = was[:rows, :shared].copy()
                now[:rows, :shared] = kept
                now[:rows, shared:] = rest
        self._upload(queue, new, 0, rows)

    def take_rows(self, queue: Queue, source: int, other: "SourceArrays", rows: int) -> None:
        """Takes over the first rows of others."""
        self._wait()
        self._lengths[:rows] = other._lengths[:rows]
        for mine, theirs in zip(self._views(source), other._views(source), strict=True):
            if mine is not None and theirs is not None:
                mine[:rows] = theirs[:rows]
        self._upload(queue, source, 0, rows)

    def tensors(self, rows: int, source: int) -> dict[str, DeviceTensor]:
        """The first rows, by name."""
        begin = self._block.address
        found = {"source_lengths": DeviceTensor(begin, "int64", (rows,))}
        if self._has_ids:
            found["source_ids"] = DeviceTensor(begin + self._ids_at, "int64", (rows, source))
        if self._bias_type:
            address = begin + self._bias_at
            found["source_bias"] = DeviceTensor(address, self._bias_type, (rows, source))
        return found

    def _views(self, source: int) -> tuple[Array | None, Array | None]:
        size = self._rows * source
        ids = bias = None
        if self._has_ids:
            ids = self._ids_memory[:size].reshape(self._rows, source)
        if self._bias_type:
            bias = self._bias_memory[:size].reshape(self._rows, source)
        return ids, bias

    def _upload(self, queue: Queue, source: int, first: int, end: int) -> None:
        if first == end:
            return
        begin = self._block.address
        queue.upload(begin, self._lengths)
        ids, bias = self._views(source)
        for array, offset in ((ids, self._ids_at), (bias, self._bias_at)):
            if array is not None:
                rows = array[first:end]
                queue.upload(begin + offset + first * array[0].nbytes, rows)
        self._uploaded = queue.mark()

    def _bound_lengths(self, source: int) -> None:
        """Shortens what is left of longer documents that are gone.

        Steps run over their slots as well, and a device would read beyond their memory.
        """
        np.minimum(self._lengths, source, out=self._lengths)

    def _wait(self) -> None:
        """Lets what was written before arrive before it is written over."""
        if self._uploaded is not None:
            self._uploaded.wait()
            self._uploaded = None


def _padding(bias_type: str) -> float | int:
    if bias_type != "bfloat16":
        return SOURCE_PADDING_BIAS
    return int(np.float32(SOURCE_PADDING_BIAS).view(np.uint32)) >> 16

"""Documents on their way through the encoder, a slice of its layers at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime

from server.decoding.strategy import Array
from server.runtime.failures import told_as_runner_errors


class EncoderSlice:
    """One session of several that make up the encoder."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs = [tensor.name for tensor in session.get_inputs()]
        self._outputs = [tensor.name for tensor in session.get_outputs()]

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Makes this slice's outputs of the values that came before."""
        given = {name: values[name] for name in self.inputs}
        made = self._session.run_with_ort_values(self._outputs, given)
        return dict(zip(self._outputs, made, strict=True))


class SlicedEncoding:
    """A batch, padded to its longest document."""

    def __init__(
        self, slices: Sequence[EncoderSlice], sources: Sequence[Sequence[int]], pad_id: int
    ) -> None:
        lengths = [len(source) for source in sources]
        source_ids = np.full((len(lengths), max(lengths)), pad_id, np.int64)
        for row, source in enumerate(sources):
            source_ids[row, : len(source)] = source
        self.sources = sources
        self._left = list(reversed(slices))
        # What the slices have made so far stays in onnxruntime's own memory.
        self._values: dict[str, Any] = {
            "source_ids": _value(source_ids),
            "source_lengths": _value(np.array(lengths, np.int64)),
        }

    is_under_way = False

    def advance(self, *, wait: bool = True) -> bool:
        """Runs the next slice; True when that was the last. There is never anything to wait for."""
        with told_as_runner_errors(f"encoding {len(self.sources)} documents"):
            made = self._left.pop().run(self._values)
        # What no slice reads any more goes: a layer's output is as large as all documents together.
        read = {name for each in self._left for name in each.inputs}
        self._values = {name: self._values[name] for name in read & self._values.keys()} | made
        return not self._left

    def encoded(self, names: Sequence[str]) -> dict[str, Array]:
        """What came out in the end, [B,...] each."""
        return {name: self._values[name].numpy() for name in names}


def _value(array: Array) -> Any:
    return onnxruntime.OrtValue.ortvalue_from_numpy(array)

"""A decoder graph bound to made-up memory, by nothing but its signature."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.manifest import GraphSpec, TensorSpec
from bundle.signature import SLOT_POSITIONS

Array = NDArray[Any]

_EXCLUDED = 8
_FIRST_ORDINARY_ID = 8
_NUMPY = {
    "int64": np.int64,
    "float32": np.float32,
    "float16": np.float16,
    "int8": np.int8,
    "bool": np.bool_,
}


@dataclass(frozen=True)
class Shape:
    """The sizes of a step."""

    rows: int
    tokens: int
    source: int
    cache: int
    vocabulary: int

    def of(self, tensor: TensorSpec) -> tuple[int, ...]:
        """A tensor's shape in numbers."""
        sizes = {
            "batch": self.rows,
            "tokens": self.tokens,
            "source": self.source,
            "cache": self.cache,
            "excluded": _EXCLUDED,
        }
        return tuple(sizes[axis] if axis in sizes else int(axis) for axis in tensor.shape)


class BoundStep:
    """One step with its inputs and outputs in place, to be run again and again."""

    def __init__(self, session: Any, graph: GraphSpec, shape: Shape) -> None:
        self._session = session
        self._binding = session.io_binding()
        generator = np.random.default_rng(0)
        self._inputs = {tensor.name: _value(tensor, shape, generator) for tensor in graph.inputs}
        self._outputs: dict[str, Array] = {}
        for tensor in graph.outputs:
            past = tensor.name.removesuffix("_updated")
            if past in self._inputs:
                self._outputs[tensor.name] = self._inputs[past]
            elif tensor.shape[-1] != str(shape.vocabulary):
                # Scores of all words are for the few strategies that read them.
                self._outputs[tensor.name] = np.zeros(shape.of(tensor), _NUMPY[tensor.dtype])
        for bind, arrays in (
            (self._binding.bind_input, self._inputs),
            (self._binding.bind_output, self._outputs),
        ):
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)

    def run(self) -> None:
        """One step."""
        self._session.run_with_iobinding(self._binding)


def _value(tensor: TensorSpec, shape: Shape, generator: np.random.Generator) -> Array:
    """Something that a running row could hold: it stands in the middle of its cache."""
    sizes, middle = shape.of(tensor), shape.cache // 2
    places = np.broadcast_to(middle + np.arange(shape.tokens), (shape.rows, shape.tokens))
    match tensor.name:
        case "token_ids" | "source_ids":
            value = generator.integers(_FIRST_ORDINARY_ID, shape.vocabulary, sizes)
        case "position":
            value = np.full(sizes, middle)
        case "places":
            value = places
        case "visible":
            value = np.arange(shape.cache) <= places[:, :, None]
        case "source_lengths":
            value = np.full(sizes, shape.source)
        case "source_bias":
            value = np.zeros(sizes)
        case "excluded_ids":
            value = np.full(sizes, -1)
        case name if name == SLOT_POSITIONS:
            value = np.broadcast_to(np.arange(shape.cache), sizes)
        case _ if tensor.dtype == "int8":
            value = generator.integers(-127, 128, sizes)
        case name if name.endswith("_scale"):
            value = np.full(sizes, 0.01)
        case _:
            value = generator.standard_normal(sizes, np.float32)
    return np.ascontiguousarray(value, _NUMPY[tensor.dtype])

"""The float tensors that an ONNX file holds, or says where to find."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.protobuf_wire import Value, fields, varints

Array = NDArray[Any]

# Numbers of fields in onnx.proto.
_GRAPH = 7
_INITIALIZER = 5
_DIMS, _DATA_TYPE, _FLOAT_DATA, _INT32_DATA, _NAME, _RAW_DATA, _DOUBLE_DATA = 1, 2, 4, 5, 8, 9, 10
_EXTERNAL_DATA = 13
_KEY, _VALUE = 1, 2

# The numbers of TensorProto.DataType. NumPy has no bfloat16: its bits are the upper half of those
# of a float32, so they are read as such.
_BFLOAT16 = 16
_DTYPES = {1: "<f4", 10: "<f2", 11: "<f8", _BFLOAT16: "<u2"}
# Where a tensor of a type keeps its numbers if not in raw_data; of the smaller types, an integer
# holds the bits.
_DATA_FIELDS = {1: _FLOAT_DATA, 10: _INT32_DATA, 11: _DOUBLE_DATA, _BFLOAT16: _INT32_DATA}


@dataclass(frozen=True, slots=True)
class FileRange:
    """Where the numbers of a tensor lie in another file."""

    file: str
    offset: int
    # None: up to the file's end.
    length: int | None


@dataclass(frozen=True, slots=True)
class FloatTensor:
    """One tensor; exactly one of `values` and `place` is there."""

    name: str
    data_type: int
    # A number without an axis: part of a formula, such as what a mask adds.
    is_scalar: bool
    values: Array | None = None
    place: FileRange | None = None

    def read(self, data: memoryview) -> Array:
        """Its numbers, out of the bytes of its place."""
        return _numbers(data, self.data_type)


def float_tensors(model: memoryview) -> Iterator[FloatTensor]:
    """Every initialiser of floats in a ModelProto; raises ValueError where the bytes are none."""
    for number, graph in fields(model):
        if number != _GRAPH:
            continue
        for inner, initialiser in fields(_message(graph)):
            if inner == _INITIALIZER:
                parts = _Parts.of(_message(initialiser))
                if parts.data_type in _DTYPES:
                    yield parts.tensor()


@dataclass(slots=True)
class _Parts:
    """The fields of one TensorProto."""

    name: str = ""
    data_type: int = 0
    is_scalar: bool = True
    raw: memoryview | None = None
    # Packed numbers, or one by one, by the number of their field.
    typed: dict[int, list[Value]] = field(default_factory=dict)
    # Entries of key and value.
    external: list[memoryview] = field(default_factory=list)

    @classmethod
    def of(cls, message: memoryview) -> "_Parts":
        parts = cls()
        for number, value in fields(message):
            if number == _NAME:
                parts.name = _text(value)
            elif number == _DIMS:
                parts.is_scalar = False
            elif number == _DATA_TYPE and isinstance(value, int):
                parts.data_type = value
            elif number == _RAW_DATA:
                parts.raw = _message(value)
            elif number == _EXTERNAL_DATA:
                parts.external.append(_message(value))
            elif number in (_FLOAT_DATA, _DOUBLE_DATA, _INT32_DATA):
                parts.typed.setdefault(number, []).append(value)
        return parts

    def tensor(self) -> FloatTensor:
        values = place = None
        if self.external:
            place = self._place()
        elif self.raw is not None:
            values = _numbers(self.raw, self.data_type)
        else:
            kept = self.typed.get(_DATA_FIELDS[self.data_type], [])
            values = _typed(kept, self.data_type)
        return FloatTensor(self.name, self.data_type, self.is_scalar, values, place)

    def _place(self) -> FileRange:
        entries = [dict(fields(entry)) for entry in self.external]
        said = {_text(entry[_KEY]): _text(entry[_VALUE]) for entry in entries}
        length = said.get("length")
        return FileRange(
            file=said["location"],
            offset=int(said.get("offset", "0")),
            length=None if length is None else int(length),
        )


def _typed(kept: list[Value], data_type: int) -> Array:
    if _DATA_FIELDS[data_type] == _INT32_DATA:
        integers = [each for value in kept for each in _integers(value)]
        return _numbers(memoryview(np.array(integers, "<u2").tobytes()), data_type)
    return _numbers(memoryview(b"".join(_message(value) for value in kept)), data_type)


def _integers(value: Value) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    else:
        yield from varints(value)


def _numbers(data: memoryview, data_type: int) -> Array:
    found = np.frombuffer(data, _DTYPES[data_type])
    if data_type != _BFLOAT16:
        return found
    return (found.astype("<u4") << 16).view("<f4")


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError(f"the integer {value} stands where a message should")
    return value


def _text(value: Value) -> str:
    return bytes(_message(value)).decode("utf-8")

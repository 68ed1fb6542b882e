"""The wire format of protocol buffers, as much as it takes to find fields in a message.

The server has no need of the onnx package but for this.
"""

from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIXED_SIZES = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
# A varint has at most so many bytes; a longer one is no varint.
_MOST_VARINT_BYTES = 10

# An integer, or the bytes of whatever else it is: text, a message, packed numbers, a float.
Value = int | memoryview


class WireError(ValueError):
    """The bytes are not a message."""


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field, in the order in which they lie; nothing is copied."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        else:
            raise WireError(f"field {number} has the unknown wire type {kind}")
        if at + size > len(message):
            raise WireError(f"field {number} of {size} bytes ends after its message")
        yield number, message[at : at + size]
        at += size


def varints(packed: memoryview) -> Iterator[int]:
    """The integers of a packed field."""
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer, and where the next thing begins."""
    value = shift = 0
    for byte in message[at : at + _MOST_VARINT_BYTES]:
        at += 1
        if byte < 0x80:
            return value | byte << shift, at
        value |= (byte & 0x7F) << shift
        shift += 7
    raise WireError(f"no integer ends within {_MOST_VARINT_BYTES} bytes")

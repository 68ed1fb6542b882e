"""Reads a SentencePiece model file: its pieces, and how it was told to treat text.

The file is one protocol-buffer message, `ModelProto` of SentencePiece's sentencepiece_model.proto.
The few fields below are all that matters, and the wire format is simple enough to be read here:
https://protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from model.checkpoints.tokenizing.declared import TokenizerError

SPACE = "\u2581"
"""What stands for a space inside a piece."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


class Kind(IntEnum):
    """`SentencePiece.Type`: what a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3  # never found in text
    USER_DEFINED = 4  # always found in text, whatever a better segmentation would be
    UNUSED = 5  # never found in text
    BYTE = 6  # one byte of a character that no piece holds


class Algorithm(IntEnum):
    """`TrainerSpec.ModelType`; word and character models (3, 4) have no counterpart here."""

    UNIGRAM = 1
    BPE = 2


@dataclass(frozen=True)
class Piece:
    """One entry of the vocabulary; its id is its place in the list."""

    text: str
    score: float
    kind: Kind


@dataclass(frozen=True)
class SentencePieceModel:
    """What a model file says."""

    pieces: tuple[Piece, ...]
    algorithm: Algorithm
    byte_fallback: bool
    charsmap: bytes  # compiled character rules, such as NFKC; empty: none
    add_dummy_prefix: bool  # the first word gets a space too
    remove_extra_whitespaces: bool


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Read a model file, or raise TokenizerError naming it and what is wrong."""
    try:
        return _read_model(path.read_bytes())
    except (IndexError, UnicodeDecodeError, struct.error, ValueError) as error:
        raise TokenizerError(f"{path} is no SentencePiece model: {error}") from error


def _read_model(content: bytes) -> SentencePieceModel:
    pieces, trainer, normaliser = [], dict[int, object](), dict[int, object]()
    for number, value in _fields(content):
        if number == 1:
            pieces.append(_read_piece(dict(_fields(value))))
        elif number == 2:
            trainer |= _fields(value)
        elif number == 3:
            normaliser |= _fields(value)
    if not pieces:
        raise ValueError("it holds no pieces")
    if trainer.get(24) or not normaliser.get(5, 1):
        raise ValueError("treat_whitespace_as_suffix and unescaped spaces are not supported")
    algorithm = trainer.get(3, 1)
    if algorithm not in tuple(Algorithm):
        raise ValueError(f"model_type is {algorithm}; only 1 (unigram) and 2 (BPE) are supported")
    return SentencePieceModel(
        pieces=tuple(pieces),
        algorithm=Algorithm(algorithm),
        byte_fallback=bool(trainer.get(35, 0)),
        charsmap=normaliser.get(2, b""),
        add_dummy_prefix=bool(normaliser.get(3, 1)),
        remove_extra_whitespaces=bool(normaliser.get(4, 1)),
    )


def _read_piece(fields: dict) -> Piece:
    (score,) = struct.unpack("<f", fields.get(2, b"\0\0\0\0"))
    return Piece(fields[1].decode("utf-8"), score, Kind(fields.get(3, 1)))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Every field of a message: its number, and its value (an int if it is a varint)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire_type = key & 7
        if wire_type == _VARINT:
            value, at = _varint(message, at)
        else:
            if wire_type == _BYTES:
                size, at = _varint(message, at)
            elif wire_type in (_FIXED32, _FIXED64):
                size = 4 if wire_type == _FIXED32 else 8
            else:
                raise ValueError(f"wire type {wire_type} at byte {at}")
            if at + size > len(message):
                raise ValueError(f"it ends at byte {len(message)}, before a field that has {size}")
            value, at = message[at : at + size], at + size
        yield key >> 3, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, least significant first; the high bit says that more follow."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at

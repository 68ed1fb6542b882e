"""A bundle without its weights: small enough to travel, made whole again from a checkpoint.

What lies where in the weights file is written down as names of the checkpoint's tensors. A tensor
is known again by its content, as it is, transposed, or without the first rows of a position table;
what is not in the checkpoint, such as positions that are computed, is kept as it is.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bundle.checksum import sha256_of
from bundle.manifest import FileEntry, read_manifest, write_manifest

WEIGHTS_LIST, LITERALS = "weights.json", "literals.bin"
# Beyond this something of the checkpoint was not known again.
_MOST_LITERAL_BYTES = 8_000_000
_SKIPPED_ROWS = (0, 2)

Array = NDArray[Any]


@dataclass(frozen=True)
class Piece:
    """A range of the weights file, and what is in it."""

    offset: int
    nbytes: int
    # Of the checkpoint; "": the next bytes of the literals.
    name: str = ""
    dtype: str = "float16"
    skipped_rows: int = 0
    transposed: bool = False

    def content(self, tensors: Mapping[str, Array]) -> Array:
        """The values that belong here."""
        values = tensors[self.name][self.skipped_rows :].astype(self.dtype)
        return np.ascontiguousarray(values.T if self.transposed else values)


class ThinError(RuntimeError):
    """A bundle's weights are not those of the checkpoint."""


def list_pieces(
    weights_file: Path, ranges: Mapping[int, int], tensors: Mapping[str, Array]
) -> tuple[list[Piece], bytes]:
    """What lies in these ranges (offset to length) of a weights file, and what must be kept."""
    known = _by_content(tensors, set(ranges.values()))
    pieces, literals = [], bytearray()
    with weights_file.open("rb") as stream:
        for offset, nbytes in sorted(ranges.items()):
            stream.seek(offset)
            content = stream.read(nbytes)
            found = known.get(hashlib.sha256(content).digest())
            if found is None:
                literals += content
                found = Piece(0, 0)
            pieces.append(replace(found, offset=offset, nbytes=nbytes))
    if len(literals) > _MOST_LITERAL_BYTES:
        raise ThinError(f"{len(literals)} bytes of {weights_file} are not in the checkpoint")
    return pieces, bytes(literals)


def write_thin(bundle: Path, target: Path, pieces: list[Piece], literals: bytes) -> None:
    """All of a bundle but its weights file, and how to make that."""
    weights_file = read_manifest(bundle).weights_file
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(bundle, target, ignore=shutil.ignore_patterns(weights_file))
    listed = [asdict(piece) for piece in pieces]
    (target / WEIGHTS_LIST).write_text(json.dumps(listed), "utf-8")
    (target / LITERALS).write_bytes(literals)


def fill(thin: Path, target: Path, tensors: Mapping[str, Array]) -> None:
    """Makes the whole bundle; its manifest says what was written, whatever the drawing machine."""
    pieces = [Piece(**piece) for piece in json.loads((thin / WEIGHTS_LIST).read_text("utf-8"))]
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(thin, target, ignore=shutil.ignore_patterns(WEIGHTS_LIST, LITERALS))
    manifest = read_manifest(target)
    path = target / manifest.weights_file
    with path.open("wb") as stream, (thin / LITERALS).open("rb") as literals:
        for piece in pieces:
            stream.seek(piece.offset)
            stream.write(piece.content(tensors).data if piece.name else literals.read(piece.nbytes))
            if stream.tell() != piece.offset + piece.nbytes:
                raise ThinError(f"{piece.name}: {piece.nbytes} bytes expected at {piece.offset}")
    entry = FileEntry(sha256=sha256_of(path), bytes=path.stat().st_size)
    files = {**manifest.files, manifest.weights_file: entry}
    write_manifest(target, replace(manifest, files=files))


def _by_content(tensors: Mapping[str, Array], lengths: set[int]) -> dict[bytes, Piece]:
    """Every form that a tensor may have in the file, by its digest."""
    known = {}
    for name, values in tensors.items():
        for form in _forms(name, values):
            rows = values.shape[0] - form.skipped_rows
            nbytes = rows * values[0].size * np.dtype(form.dtype).itemsize
            if nbytes in lengths:
                content = form.content(tensors)
                known[hashlib.sha256(content.data).digest()] = form
    return known


def _forms(name: str, values: Array) -> Iterator[Piece]:
    skipped = _SKIPPED_ROWS if "embed_positions" in name else (0,)
    # A half-precision graph may keep some of its weights in float32.
    for rows, dtype in product(skipped, ("float16", "float32")):
        yield Piece(0, 0, name, dtype, rows)
        if values.ndim == 2:
            yield Piece(0, 0, name, dtype, rows, transposed=True)

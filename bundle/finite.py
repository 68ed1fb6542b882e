"""Weights are numbers: what is NaN or infinite would spread through every summary."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bundle.errors import BundleError
from bundle.onnx_tensors import Array, FileRange, FloatTensor, float_tensors

# So many numbers are looked at at once that what is found out about them stays in the CPU's cache.
_CHUNK = 1 << 16


def check_finite(directory: Path, graph_files: Iterable[str], weights_file: str) -> None:
    """Raises BundleError naming the first tensor of these graphs that holds NaN or Inf.

    A minus infinity without an axis is what a mask adds, and no weight: that is left alone.
    Graphs share weights: what several of them read is looked at once.
    """
    weights = _Weights(directory / weights_file)
    for file in graph_files:
        path = directory / file
        for tensor in _float_tensors(path):
            if tensor.values is not None:
                _check(tensor.values, path, tensor, file)
            elif tensor.place is not None:
                weights.check(tensor, tensor.place, path)


class _Weights:
    """The one file of weights, mapped so that only what is looked at is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._checked: set[tuple[FileRange, int]] = set()
        self._data = memoryview(b"")
        if path.stat().st_size:  # nothing cannot be mapped
            self._data = np.memmap(path, np.uint8, mode="r").data

    def check(self, tensor: FloatTensor, place: FileRange, graph: Path) -> None:
        if (place, tensor.data_type) in self._checked:
            return
        self._checked.add((place, tensor.data_type))
        if place.file != self._path.name:
            raise BundleError(
                graph,
                f"tensor {tensor.name!r} lies in {place.file!r}, {self._path.name!r} expected",
            )
        length = len(self._data) - place.offset if place.length is None else place.length
        end = place.offset + length
        if place.offset < 0 or length < 0 or end > len(self._data):
            raise BundleError(
                graph,
                f"tensor {tensor.name!r} lies in bytes {place.offset} to {end} of "
                f"{self._path.name}, which has {len(self._data)}",
            )
        try:
            values = tensor.read(self._data[place.offset : end])
        except ValueError as error:
            raise BundleError(graph, f"tensor {tensor.name!r} cannot be read: {error}") from error
        _check(values, self._path, tensor, graph.name)


def _float_tensors(path: Path) -> Iterator[FloatTensor]:
    try:
        yield from float_tensors(memoryview(path.read_bytes()))
    except (ValueError, KeyError, OverflowError) as error:
        raise BundleError(path, f"cannot be read as ONNX: {error}") from error


def _check(values: Array, path: Path, tensor: FloatTensor, graph_file: str) -> None:
    """`path` is the file that holds the numbers."""
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        is_finite = np.isfinite(chunk)
        if tensor.is_scalar:
            is_finite |= np.isneginf(chunk)
        if not is_finite.all():
            index = int(is_finite.argmin())
            raise BundleError(
                path,
                f"tensor {tensor.name!r} of {graph_file} holds {chunk[index]} as number "
                f"{start + index}, only finite numbers expected",
            )

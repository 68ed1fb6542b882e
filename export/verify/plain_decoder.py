"""Runs a bundle's graphs in the plainest way: one row, no binding, no sharing of memory.

Slow, and easy to trust. It runs on the CPU, which has no operators of bfloat16: a bundle of that
type is widened first (export/verify/widen.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from bundle.arithmetic import make_products_exact
from bundle.manifest import GraphSpec, Manifest, TensorSpec
from bundle.signature import (
    DECODER_STEP,
    DECODER_TOKENS,
    ENCODER,
    SLOT_POSITIONS,
    cache_names,
    cross_tensors,
    source_tensors,
    tensor_as_read,
    updated_cache_names,
)


@dataclass(frozen=True)
class Step:
    """What a decoder said may follow one token."""

    top_ids: list[int]
    top_log_probs: list[float]


class PlainDecoder:
    """An encoder session and a decoder session over the files of one bundle."""

    def __init__(self, directory: Path, manifest: Manifest, threads: int = 0) -> None:
        self.manifest = manifest
        self._sessions = {
            name: _session(directory / graph.file, threads)
            for name, graph in manifest.graphs.items()
        }
        half = manifest.geometry.float_type == "float16"
        self._float = np.dtype(np.float16 if half else np.float32)

    def found_graphs(self) -> dict[str, GraphSpec]:
        """The signatures as onnxruntime reads them off the files."""
        return {
            name: GraphSpec(
                file=self.manifest.graphs[name].file,
                inputs=tuple(_spec(tensor) for tensor in session.get_inputs()),
                outputs=tuple(_spec(tensor) for tensor in session.get_outputs()),
            )
            for name, session in self._sessions.items()
        }

    def encode(self, source_ids: Sequence[int]) -> dict[str, NDArray[Any]]:
        """The encoder's outputs by name, for one document."""
        source = np.array([source_ids], np.int64)
        inputs = {"source_ids": source, "source_lengths": np.array([source.shape[1]])}
        names = [tensor.name for tensor in self.manifest.graphs[ENCODER].outputs]
        return dict(zip(names, self._sessions[ENCODER].run(names, inputs), strict=True))

    def encode_to_floats(self, source_ids: Sequence[int]) -> dict[str, NDArray[np.float32]]:
        """The same as numbers, keys and values [1,H,S,D], whatever form the bundle keeps."""
        encoded = self.encode(source_ids)
        if not self.manifest.geometry.int8_cross:
            return encoded
        floats = {name: array for name, array in encoded.items() if array.dtype == np.float32}
        for name in encoded.keys() - floats.keys():
            scale = floats.pop(f"{name}_scale")  # [B,H,1,S]
            if name.startswith("cross_key"):  # [B,H,D,S]
                floats[name] = (encoded[name] * scale).swapaxes(2, 3)
            else:
                floats[name] = encoded[name] * scale.swapaxes(2, 3)
        return floats

    def start(
        self, source_ids: Sequence[int], capacity: int, graph: str = DECODER_STEP
    ) -> "PlainRow":
        """Encodes a document and prepares an empty cache, for a decoder that is fed one token."""
        inputs = self._begin(source_ids, capacity)
        if self.manifest.geometry.relative_positions:
            inputs[SLOT_POSITIONS] = np.arange(capacity)
        return PlainRow(self._sessions[graph], self.manifest, inputs)

    def say_at_once(
        self, source_ids: Sequence[int], tokens: Sequence[int], excluded: Sequence[Sequence[int]]
    ) -> list[Step]:
        """What may follow each of these tokens, fed together: each sees those before it."""
        count = len(tokens)
        slots = np.arange(count)
        inputs = self._begin(source_ids, count)
        if self.manifest.geometry.relative_positions:
            inputs[SLOT_POSITIONS] = slots[None]
        padded = np.full((1, count, max(1, *map(len, excluded))), -1, np.int64)
        for index, ids in enumerate(excluded):
            padded[0, index, : len(ids)] = ids
        inputs |= {
            "token_ids": np.array([tokens], np.int64),
            "position": np.zeros(1, np.int64),
            "excluded_ids": padded,
            "places": slots[None],
            "visible": np.tri(count, dtype=np.bool_)[None],
        }
        names = ["top_log_probs", "top_ids"]
        log_probs, ids = self._sessions[DECODER_TOKENS].run(names, inputs)
        return [Step(ids[0, i].tolist(), log_probs[0, i].tolist()) for i in range(count)]

    def _begin(self, source_ids: Sequence[int], capacity: int) -> dict[str, NDArray[Any]]:
        """What a decoder reads of a document, and an empty cache."""
        geometry = self.manifest.geometry
        encoded = self.encode(source_ids)
        source = np.array([source_ids], np.int64)
        of_source = {
            **encoded,
            "source_ids": source,
            "source_lengths": np.array([source.shape[1]]),
            "source_bias": np.zeros(source.shape, self._float),
        }
        read = (*source_tensors(geometry), *cross_tensors(geometry))
        inputs: dict[str, NDArray[Any]] = {tensor.name: of_source[tensor.name] for tensor in read}
        shape = (1, geometry.heads, capacity, geometry.head_dim)
        for name in cache_names(geometry):
            inputs[name] = np.zeros(shape, self._float)
        return inputs


class PlainRow:
    """One document being decoded."""

    def __init__(self, session: Any, manifest: Manifest, inputs: dict[str, NDArray[Any]]) -> None:
        self._session = session
        self._geometry = manifest.geometry
        self._inputs = inputs
        self._position = 0

    def step(self, token_id: int, excluded_ids: Sequence[int]) -> Step:
        """Feeds a token and returns the likeliest next ones."""
        self._inputs["token_ids"] = np.array([[token_id]], np.int64)
        self._inputs["position"] = np.array([self._position], np.int64)
        self._inputs["excluded_ids"] = np.array([[excluded_ids or [-1]]], np.int64)
        caches = updated_cache_names(self._geometry)
        log_probs, ids, *updated = self._session.run(
            ["top_log_probs", "top_ids", *caches], self._inputs
        )
        self._inputs |= dict(zip(cache_names(self._geometry), updated, strict=True))
        self._position += 1
        return Step(ids[0, 0].tolist(), log_probs[0, 0].tolist())


def _session(path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Unbound caches are copied at every step, which TensorScatter warns of; here that is meant.
    options.log_severity_level = 3
    make_products_exact(options)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _spec(tensor: Any) -> TensorSpec:
    return tensor_as_read(tensor.name, tensor.type, tensor.shape)

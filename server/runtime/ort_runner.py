"""The engine's ModelRunner on onnxruntime."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bundle.load import Bundle
from bundle.signature import DECODER_STEP, ENCODER
from server.decoding.strategy import Candidates
from server.engine.runner import DecodeBatch, EncodeBatch, Move, RunnerError
from server.runtime.lane import Array, Lane
from server.runtime.session import CPU, open_session
from server.runtime.threads import thread_budget

# The excluded ids of a step are padded to a multiple of this, so that few shapes occur and bindings
# are reused.
_EXCLUDED_STEP = 8
_PADDING = -1


class OrtRunner:
    """Two sessions over one bundle, and the lanes that their rows live in."""

    requested_provider = "cpu"

    def __init__(self, bundle: Bundle, *, lanes: Sequence[int], threads: int = 0) -> None:
        manifest = bundle.manifest
        self._geometry = manifest.geometry
        self._pad_id = manifest.special_tokens.pad_id
        budget = thread_budget(threads)
        self.threads = budget.threads
        self._encoder, self._decoder = (
            open_session(bundle.graph_path(name), manifest.graphs[name], budget)
            for name in (ENCODER, DECODER_STEP)
        )
        self.actual_provider = CPU
        self._encoder_outputs = [tensor.name for tensor in manifest.graphs[ENCODER].outputs]
        self._lanes = {capacity: Lane(self._geometry, capacity) for capacity in lanes}
        self._bindings: dict[tuple[int, int, int], _StepBinding] = {}

    def encode(self, batch: EncodeBatch) -> None:
        """Encodes documents, padded to the longest, and copies the results into their rows."""
        lane = self._lanes[batch.lane]
        lengths = [len(source) for source in batch.sources]
        source_ids = np.full((len(lengths), max(lengths)), self._pad_id, np.int64)
        for row, source in enumerate(batch.sources):
            source_ids[row, : len(source)] = source
        inputs = {"source_ids": source_ids, "source_lengths": np.array(lengths, np.int64)}
        try:
            outputs = self._encoder.run(self._encoder_outputs, inputs)
            lane.ensure(rows=batch.first_row + len(lengths), cache_tokens=1)
        # onnxruntime's classes derive from Exception; MemoryError is numpy's.
        except Exception as error:
            raise RunnerError(f"encoding {len(lengths)} documents failed: {error}") from error
        for row, source in enumerate(batch.sources):
            encoded = {
                name: output[row]
                for name, output in zip(self._encoder_outputs, outputs, strict=True)
            }
            lane.store(batch.first_row + row, source, encoded)

    def decode(self, batch: DecodeBatch) -> Sequence[Candidates]:
        """Runs one step of a lane's first rows over their own memory, caches updated in place."""
        lane, num_rows = self._lanes[batch.lane], len(batch.input_tokens)
        try:
            lane.ensure(rows=num_rows, cache_tokens=max(batch.positions) + 1)
            binding = self._binding(batch.lane, num_rows, _width(batch.excluded_ids))
            lane.token_ids[:num_rows, 0] = batch.input_tokens
            lane.position[:num_rows] = batch.positions
            binding.set_excluded(batch.excluded_ids)
            self._decoder.run_with_iobinding(binding.binding)
        except Exception as error:
            raise RunnerError(f"a step of {num_rows} rows failed: {error}") from error
        ids = lane.top_ids[:num_rows, 0].tolist()
        log_probs = lane.top_log_probs[:num_rows, 0].tolist()
        return [Candidates(*row) for row in zip(ids, log_probs, strict=True)]

    def move(self, move: Move) -> None:
        """Copies a row within its lane."""
        self._lanes[move.lane].move(move.source_row, move.target_row)

    def _binding(self, capacity: int, num_rows: int, num_excluded: int) -> "_StepBinding":
        lane, key = self._lanes[capacity], (capacity, num_rows, num_excluded)
        found = self._bindings.get(key)
        if found is None or found.generation != lane.generation:
            found = _StepBinding(self._decoder, lane, num_rows, num_excluded)
            self._bindings[key] = found
        return found


class _StepBinding:
    """The decoder bound to the first rows of a lane; valid until the lane's arrays move."""

    def __init__(self, session: Any, lane: Lane, num_rows: int, num_excluded: int) -> None:
        self.generation = lane.generation
        self.binding = session.io_binding()
        self._excluded = np.full((num_rows, 1, num_excluded), _PADDING, np.int64)
        arrays = {name: array[:num_rows] for name, array in lane.inputs().items()}
        for name, array in (*arrays.items(), ("excluded_ids", self._excluded)):
            self.binding.bind_input(
                name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )
        outputs: dict[str, Array] = {
            "top_ids": lane.top_ids[:num_rows],
            "top_log_probs": lane.top_log_probs[:num_rows],
            # Past and present are the same memory: TensorScatter then writes in place and copies
            # nothing.
            **{updated: arrays[past] for past, updated in lane.cache_names},
        }
        # What is not bound (the copy gate, until something reads it) is not handed out.
        for name, array in outputs.items():
            self.binding.bind_output(
                name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )

    def set_excluded(self, excluded_ids: Sequence[Sequence[int]]) -> None:
        """Fills in the ids that each row must not emit."""
        self._excluded.fill(_PADDING)
        for row, ids in enumerate(excluded_ids):
            self._excluded[row, 0, : len(ids)] = ids


def _width(excluded_ids: Sequence[Sequence[int]]) -> int:
    longest = max(len(ids) for ids in excluded_ids)
    return max(1, -(-longest // _EXCLUDED_STEP)) * _EXCLUDED_STEP

"""The engine's ModelRunner on onnxruntime."""

from collections.abc import Sequence

import numpy as np

from bundle.load import Bundle
from bundle.signature import DECODER_STEP, ENCODER
from server.decoding.strategy import Candidates
from server.engine.runner import DecodeBatch, EncodeBatch, Move, RunnerError
from server.runtime.lane import Lane
from server.runtime.lane_arrays import LaneArrays
from server.runtime.session import CPU, open_session
from server.runtime.step_binding import StepBinding
from server.runtime.threads import thread_budget

# The excluded ids of a step are padded to a multiple of this, so that few shapes occur and bindings
# are reused.
_EXCLUDED_STEP = 8


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
        self._lanes = {longest: Lane(self._geometry, longest) for longest in lanes}
        self._bindings = {longest: _Bindings(lane.arrays) for longest, lane in self._lanes.items()}

    def encode(self, batch: EncodeBatch) -> None:
        """Encodes documents, padded to the longest of them, and copies the results into rows."""
        lengths = [len(source) for source in batch.sources]
        source_ids = np.full((len(lengths), max(lengths)), self._pad_id, np.int64)
        for row, source in enumerate(batch.sources):
            source_ids[row, : len(source)] = source
        inputs = {"source_ids": source_ids, "source_lengths": np.array(lengths, np.int64)}
        try:
            outputs = self._encoder.run(self._encoder_outputs, inputs)
            encoded = dict(zip(self._encoder_outputs, outputs, strict=True))
            self._lanes[batch.lane].add(batch.first_row, batch.sources, encoded)
        # onnxruntime's classes derive from Exception; MemoryError is numpy's.
        except Exception as error:
            raise RunnerError(f"encoding {len(lengths)} documents failed: {error}") from error

    def decode(self, batch: DecodeBatch) -> Sequence[Candidates]:
        """Runs one step of a lane's first rows over their own memory, caches updated in place."""
        num_rows = len(batch.input_tokens)
        try:
            self._lanes[batch.lane].ensure_cache(max(batch.positions) + 1)
            binding = self._binding(batch.lane, num_rows, _width(batch.excluded_ids))
            ids, log_probs = binding.run(batch.input_tokens, batch.positions, batch.excluded_ids)
        except Exception as error:
            raise RunnerError(f"a step of {num_rows} rows failed: {error}") from error
        return [Candidates(*row) for row in zip(ids, log_probs, strict=True)]

    def move(self, move: Move) -> None:
        """Copies a row within its lane."""
        self._lanes[move.lane].move(move.source_row, move.target_row)

    def _binding(self, lane: int, num_rows: int, num_excluded: int) -> StepBinding:
        arrays = self._lanes[lane].arrays
        bindings = self._bindings[lane]
        if bindings.arrays is not arrays:
            bindings = self._bindings[lane] = _Bindings(arrays)
        key = (num_rows, num_excluded)
        if key not in bindings.by_size:
            bindings.by_size[key] = StepBinding(
                self._decoder, self._geometry, arrays, num_rows=num_rows, num_excluded=num_excluded
            )
        return bindings.by_size[key]


class _Bindings:
    """The bindings over one allocation; let go of together with it."""

    def __init__(self, arrays: LaneArrays) -> None:
        self.arrays = arrays
        self.by_size: dict[tuple[int, int], StepBinding] = {}


def _width(excluded_ids: Sequence[Sequence[int]]) -> int:
    longest = max(len(ids) for ids in excluded_ids)
    return max(1, -(-longest // _EXCLUDED_STEP)) * _EXCLUDED_STEP

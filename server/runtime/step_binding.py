"""The decoder bound to memory: set up once for a number of rows, then run again and again."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bundle.manifest import Geometry
from bundle.signature import cache_names, updated_cache_names
from server.runtime.lane_arrays import Array, LaneArrays

_PADDING = -1


class StepBinding:
    """One decoder step over the first rows of an allocation, which it keeps alive."""

    def __init__(
        self,
        session: Any,
        geometry: Geometry,
        arrays: LaneArrays,
        *,
        num_rows: int,
        num_excluded: int,
    ) -> None:
        self._session = session
        self._arrays = arrays
        self._binding = session.io_binding()
        self._excluded = np.full((num_rows, 1, num_excluded), _PADDING, np.int64)
        inputs = arrays.inputs(num_rows)
        for name, array in (*inputs.items(), ("excluded_ids", self._excluded)):
            self._binding.bind_input(
                name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )
        # Past and present are the same memory: TensorScatter then writes in place and copies
        # nothing.
        caches = zip(cache_names(geometry), updated_cache_names(geometry), strict=True)
        outputs: dict[str, Array] = {
            "top_ids": arrays.top_ids[:num_rows],
            "top_log_probs": arrays.top_log_probs[:num_rows],
            **{updated: inputs[past] for past, updated in caches},
        }
        # What is not bound (the copy gate, until something reads it) is not handed out.
        for name, array in outputs.items():
            self._binding.bind_output(
                name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )

    def run(
        self,
        input_tokens: Sequence[int],
        positions: Sequence[int],
        excluded_ids: Sequence[Sequence[int]],
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Runs a step; returns each row's likeliest ids and their log-probabilities."""
        num_rows = len(input_tokens)
        self._arrays.token_ids[:num_rows, 0] = input_tokens
        self._arrays.position[:num_rows] = positions
        self._excluded.fill(_PADDING)
        for row, ids in enumerate(excluded_ids):
            self._excluded[row, 0, : len(ids)] = ids
        self._session.run_with_iobinding(self._binding)
        ids = self._arrays.top_ids[:num_rows, 0].tolist()
        return ids, self._arrays.top_log_probs[:num_rows, 0].tolist()

"""A decoder bound to memory on the processor: set up once for a shape of step, run at will."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bundle.manifest import Geometry
from bundle.signature import SLOT_POSITIONS, cache_names, updated_cache_names, vocabulary_output
from server.decoding.strategy import Array, Outcome, Proposal
from server.runtime.lane_arrays import LaneArrays
from server.runtime.step.fill import StepInputs
from server.runtime.step.shape import (
    Field,
    StepShape,
    input_fields,
    output_fields,
    slot_positions,
)
from server.runtime.step.word_scores import WordScores, scores_of


class StepBinding:
    """One decoder step over the first rows of an allocation, which it keeps alive."""

    def __init__(
        self,
        session: Any,
        geometry: Geometry,
        arrays: LaneArrays,
        shape: StepShape,
        *,
        width: int,
        pad_id: int,
        word_scores: WordScores,
    ) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._arrays = arrays
        self._gives_logits = not geometry.copy_head
        proposed = _zeros(input_fields(shape))
        self._inputs = StepInputs(proposed, pad_id=pad_id, slots=shape.slots)
        # A row of the engine is the row of that number here.
        self._rows = np.arange(shape.rows)
        inputs = arrays.inputs(shape.rows) | proposed
        if geometry.relative_positions:
            inputs[SLOT_POSITIONS] = slot_positions(shape, width)

        outputs = _zeros(output_fields(shape, geometry))
        self._ids, self._log_probs = outputs["top_ids"], outputs["top_log_probs"]
        self._gates, self._looks = outputs.get("copy_gate"), outputs.get("copy_source_index")
        self._words: Array | None = None
        if shape.gives_words:
            self._words = word_scores.of_shape(shape.rows, shape.tokens, geometry.vocab_size)
            outputs[vocabulary_output(geometry)] = self._words
        # Past and present are the same memory: TensorScatter then writes in place and copies
        # nothing.
        caches = zip(cache_names(geometry), updated_cache_names(geometry), strict=True)
        outputs |= {updated: inputs[past] for past, updated in caches}
        self._kept = (inputs, outputs)  # the binding knows addresses only
        for name, array in inputs.items():
            self._binding.bind_input(
                name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )
        for name, array in outputs.items():
            self._binding.bind_output(
                name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
            )

    def run(self, proposals: Sequence[Proposal]) -> list[Outcome]:
        """Runs a step; the outcomes hold until the next one."""
        self._inputs.fill(proposals, self._rows)
        self._session.run_with_iobinding(self._binding)
        return [self._outcome(row, proposal) for row, proposal in enumerate(proposals)]

    def _outcome(self, row: int, proposal: Proposal) -> Outcome:
        count = len(proposal.token_ids)
        return Outcome(
            token_ids=self._ids[row, :count],
            log_probs=self._log_probs[row, :count],
            copy_indices=None if self._looks is None else self._looks[row, :count],
            copy_gates=None if self._gates is None else self._gates[row, :count],
            scores=self._scores(row, count) if proposal.wants_scores else None,
        )

    def _scores(self, row: int, count: int) -> Array:
        assert self._words is not None, "the shape says whether somebody wants them"
        return scores_of(self._words[row, :count], gives_logits=self._gives_logits)


def _zeros(fields: Sequence[Field]) -> dict[str, Array]:
    return {field.name: np.zeros(field.shape, field.dtype) for field in fields}

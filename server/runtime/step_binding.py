"""A decoder bound to memory: set up once for a shape of step, then run again and again.

n rows    q tokens of each    L cache slots    N excluded ids    K candidates    V vocabulary
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bundle.manifest import Geometry
from bundle.signature import (
    SLOT_POSITIONS,
    TOP_K,
    cache_names,
    num_candidates,
    updated_cache_names,
    vocabulary_output,
)
from server.decoding.strategy import Outcome, Proposal
from server.runtime.lane_arrays import Array, LaneArrays
from server.runtime.word_scores import WordScores

_PADDING = -1
_SMALLEST_NORMAL = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class StepShape:
    """What a binding is made for."""

    rows: int
    tokens: int
    excluded: int
    # Whether the step needs what decoder_step cannot do: several tokens, a tree, or all words.
    is_general: bool
    gives_words: bool


class StepBinding:
    """One decoder step over the first rows of an allocation, which it keeps alive."""

    def __init__(
        self,
        session: Any,
        geometry: Geometry,
        arrays: LaneArrays,
        shape: StepShape,
        width: int,
        word_scores: WordScores,
    ) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._arrays = arrays
        self._gives_log_words = not geometry.copy_head
        rows, tokens = shape.rows, shape.tokens
        self._tokens = np.zeros((rows, tokens), np.int64)
        self._position = np.zeros(rows, np.int64)
        self._excluded = np.full((rows, tokens, shape.excluded), _PADDING, np.int64)
        inputs = arrays.inputs(rows)
        inputs |= {
            "token_ids": self._tokens,
            "position": self._position,
            "excluded_ids": self._excluded,
        }
        slots = np.arange(arrays.capacity.cache_slots, dtype=np.int64)
        if geometry.relative_positions:
            lying = np.tile(slots // width, (rows, 1)) if shape.is_general else slots
            inputs[SLOT_POSITIONS] = lying
        self._tree: _Tree | None = None
        if shape.is_general:
            self._tree = _Tree(rows, tokens, slots)
            inputs |= {"places": self._tree.places, "visible": self._tree.visible}

        candidates = num_candidates(geometry) if shape.is_general else TOP_K
        self._ids = np.zeros((rows, tokens, candidates), np.int64)
        self._log_probs = np.zeros((rows, tokens, candidates), np.float32)
        outputs: dict[str, Array] = {"top_ids": self._ids, "top_log_probs": self._log_probs}
        self._gates = self._looks = None
        if geometry.copy_head:
            self._gates = outputs["copy_gate"] = np.zeros((rows, tokens), np.float32)
            self._looks = outputs["copy_source_index"] = np.zeros((rows, tokens), np.int64)
        self._words: Array | None = None
        if shape.gives_words:
            self._words = word_scores.of_shape(rows, tokens, geometry.vocab_size)
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
        self._excluded.fill(_PADDING)
        for row, proposal in enumerate(proposals):
            count = len(proposal.token_ids)
            self._tokens[row, :count] = proposal.token_ids
            self._position[row] = proposal.first_slot
            for index, ids in enumerate(proposal.excluded_ids):
                self._excluded[row, index, : len(ids)] = ids
        if self._tree is not None:
            self._tree.fill(proposals, self._position)
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
        words = self._words[row, :count]
        if self._gives_log_words:
            return words
        scores: Array = np.log(np.maximum(words, _SMALLEST_NORMAL))
        return scores


class _Tree:
    """Where the tokens of a step stand and what they see."""

    def __init__(self, rows: int, tokens: int, slots: Array) -> None:
        self.places = np.zeros((rows, tokens), np.int64)
        self.visible = np.zeros((rows, tokens, len(slots)), np.bool_)
        self._slots = slots
        self._ahead = np.arange(tokens)

    def fill(self, proposals: Sequence[Proposal], position: Array) -> None:
        own_slots = position[:, None] + self._ahead  # [n,q]
        np.less_equal(self._slots, own_slots[:, :, None], out=self.visible)
        for row, proposal in enumerate(proposals):
            count = len(proposal.places)
            self.places[row, :count] = proposal.places
            # What pads a row stands where its last token does: a place that surely exists.
            self.places[row, count:] = proposal.places[-1]
            if proposal.ancestors is None:
                continue
            seen = self.visible[row]
            seen.fill(False)
            for index, ancestors in enumerate(proposal.ancestors):
                seen[index, ancestors] = True
                seen[index, own_slots[row, index]] = True

"""Writes what rows propose into the arrays of a step, without a loop over rows where it counts."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from server.decoding.strategy import Proposal
from server.runtime.lane_arrays import Array

PADDING = -1


class StepInputs:
    """The host's side of what a step reads; rows of the engine go to their slots."""

    def __init__(self, arrays: Mapping[str, Array], *, pad_id: int, slots: int) -> None:
        self._tokens = arrays["token_ids"]
        self._position = arrays["position"]
        self._excluded = arrays["excluded_ids"]
        self._places = arrays.get("places")
        self._visible = arrays.get("visible")
        self._pad_id = pad_id
        rows, self._most = self._tokens.shape
        self._slot_range = np.arange(slots)
        self._ahead = np.arange(self._most)
        # Rows in order, so that a place among all tokens of a step is row x tokens + token.
        self._flat_excluded = self._excluded.reshape(rows * self._most, -1)

    def fill(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """Writes a step; slots that nobody is in are fed what does no harm."""
        self._tokens.fill(self._pad_id)
        self._position.fill(0)
        self._position[slots] = [proposal.first_slot for proposal in proposals]
        if self._most == 1:
            owners = slots
            self._tokens[slots, 0] = [proposal.token_ids[0] for proposal in proposals]
        else:
            counts = [len(proposal.token_ids) for proposal in proposals]
            owners = _spread(slots * self._most, counts)
            given = _joined((proposal.token_ids for proposal in proposals), len(owners))
            self._tokens.reshape(-1)[owners] = given
        self._excluded.fill(PADDING)
        self._exclude(owners, [ids for proposal in proposals for ids in proposal.excluded_ids])
        if self._places is not None and self._visible is not None:
            self._fill_tree(self._places, self._visible, proposals, slots, owners)

    def _exclude(self, owners: Array, lists: Sequence[Sequence[int]]) -> None:
        sizes = list(map(len, lists))
        if total := sum(sizes):
            columns = _spread(np.zeros(len(sizes), np.int64), sizes)
            self._flat_excluded[np.repeat(owners, sizes), columns] = _joined(lists, total)

    def _fill_tree(
        self, places: Array, visible: Array, proposals: Sequence[Proposal], slots: Array,
        owners: Array,
    ) -> None:  # fmt: skip
        places.fill(0)
        # What pads a row stands where its last token does: a place that surely exists.
        places[slots] = np.array([proposal.places[-1] for proposal in proposals])[:, None]
        given = _joined((proposal.places for proposal in proposals), len(owners))
        places.reshape(-1)[owners] = given
        own_slots = self._position[:, None] + self._ahead
        np.less_equal(self._slot_range, own_slots[:, :, None], out=visible)
        for slot, proposal in zip(slots.tolist(), proposals, strict=True):
            if proposal.ancestors is None:
                continue
            seen = visible[slot]
            seen.fill(False)
            # What pads a row sees itself too: a softmax over nothing may be no number, and what it
            # makes stays in the cache.
            seen[self._ahead, own_slots[slot]] = True
            for index, ancestors in enumerate(proposal.ancestors):
                seen[index, ancestors] = True


class LastingExclusions:
    """What may not follow any token of the steps that a device takes by itself."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self._filled: tuple[tuple[int, Sequence[int]], ...] = ()

    def fill(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """Writes them; rows whose ids are the same as last time cost nothing but the look."""
        wanted = tuple(
            (slot, proposal.ahead.excluded_ids if proposal.ahead else ())
            for slot, proposal in zip(slots.tolist(), proposals, strict=True)
        )
        if wanted == self._filled:
            return
        self._array.fill(PADDING)
        for slot, ids in wanted:
            self._array[slot, :, : len(ids)] = ids
        self._filled = wanted


def _joined(lists: Iterable[Sequence[int]], total: int) -> Array:
    return np.fromiter(chain.from_iterable(lists), np.int64, total)


def _spread(starts: Array, counts: Sequence[int]) -> Array:
    """For each start, so many numbers from there on."""
    ends = np.cumsum(counts)
    within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    return np.asarray(np.repeat(starts, counts) + within)

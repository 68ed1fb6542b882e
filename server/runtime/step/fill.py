"""Writes what rows propose into the arrays of a step, on a processor as on a device."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from bundle.manifest import Geometry
from server.decoding.strategy import Array, Proposal

PADDING = -1
# Up to so many rows are written sooner one by one than together, which takes some 20 us to begin.
_FEW_ROWS = 16


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
        self._excluded.fill(PADDING)
        if self._places is not None:
            self._places.fill(0)
        if len(proposals) <= _FEW_ROWS:
            self._write_one_by_one(proposals, slots)
        else:
            self._write_together(proposals, slots)
        if self._visible is not None:
            self._write_visible(self._visible, proposals, slots)

    def _write_one_by_one(self, proposals: Sequence[Proposal], slots: Array) -> None:
        for slot, proposal in zip(slots.tolist(), proposals, strict=True):
            count = len(proposal.token_ids)
            self._tokens[slot, :count] = proposal.token_ids
            self._position[slot] = proposal.first_slot
            for index, ids in enumerate(proposal.excluded_ids):
                self._excluded[slot, index, : len(ids)] = ids
            if self._places is not None:
                self._places[slot, :count] = proposal.places
                # What pads a row stands where its last token does: a place that surely exists.
                self._places[slot, count:] = proposal.places[-1]

    def _write_together(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """The same without a loop over the rows."""
        self._position[slots] = [proposal.first_slot for proposal in proposals]
        if self._most == 1:
            owners = slots
            self._tokens[slots, 0] = [proposal.token_ids[0] for proposal in proposals]
        else:
            counts = [len(proposal.token_ids) for proposal in proposals]
            owners = _spread(slots * self._most, counts)
            given = _joined((proposal.token_ids for proposal in proposals), len(owners))
            self._tokens.reshape(-1)[owners] = given
        self._exclude(owners, [ids for proposal in proposals for ids in proposal.excluded_ids])
        if self._places is not None:
            self._places[slots] = np.array([proposal.places[-1] for proposal in proposals])[:, None]
            given = _joined((proposal.places for proposal in proposals), len(owners))
            self._places.reshape(-1)[owners] = given

    def _exclude(self, owners: Array, lists: Sequence[Sequence[int]]) -> None:
        sizes = list(map(len, lists))
        if total := sum(sizes):
            columns = _spread(np.zeros(len(sizes), np.int64), sizes)
            self._flat_excluded[np.repeat(owners, sizes), columns] = _joined(lists, total)

    def _write_visible(self, visible: Array, proposals: Sequence[Proposal], slots: Array) -> None:
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


def check_places(proposals: Sequence[Proposal], geometry: Geometry) -> None:
    """Raises ValueError where a row proposes a token past the last place that the network has."""
    last = max(max(proposal.places) for proposal in proposals)
    if last >= geometry.max_positions:
        raise ValueError(f"place {last} is past the last, {geometry.max_positions - 1}")


def most_excluded(proposals: Sequence[Proposal]) -> int:
    """How many ids at most may not follow one of the proposed tokens."""
    return max(max(map(len, proposal.excluded_ids)) for proposal in proposals)


def _joined(lists: Iterable[Sequence[int]], total: int) -> Array:
    return np.fromiter(chain.from_iterable(lists), np.int64, total)


def _spread(starts: Array, counts: Sequence[int]) -> Array:
    """For each start, so many numbers from there on."""
    ends = np.cumsum(counts)
    within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    return np.asarray(np.repeat(starts, counts) + within)

"""What a step said, row by row, as the strategies read it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from server.decoding.strategy import Array, Outcome, Proposal, StepAhead


class StepTold:
    """The outputs of one step, gathered for the engine's rows."""

    def __init__(self, arrays: Mapping[str, Array], slots: Array) -> None:
        # Indexing by slots copies: what is told stays when the next step is read into its place.
        self.ids = list(arrays["top_ids"][slots])
        self.log_probs = list(arrays["top_log_probs"][slots])
        self.looks: list[Array] | None = None
        self.gates: list[Array] | None = None
        if "copy_gate" in arrays:
            self.looks = list(arrays["copy_source_index"][slots])
            self.gates = list(arrays["copy_gate"][slots])
        if "next_token_ids" in arrays:
            self.next_tokens = arrays["next_token_ids"][slots].tolist()
            self.next_slots = arrays["next_position"][slots].tolist()

    def outcome(
        self, row: int, count: int, *, scores: Array | None = None,
        following: Sequence[StepAhead] = (),
    ) -> Outcome:  # fmt: skip
        """What may follow the first tokens that a row was fed."""
        ids, log_probs = self.ids[row], self.log_probs[row]
        looks = gates = None
        if self.looks is not None and self.gates is not None:
            looks, gates = self.looks[row], self.gates[row]
        if count < len(ids):
            ids, log_probs = ids[:count], log_probs[:count]
            looks = None if looks is None else looks[:count]
            gates = None if gates is None else gates[:count]
        return Outcome(ids, log_probs, looks, gates, scores, following)


class Following(Sequence[StepAhead]):
    """The steps that a row took by itself, each made when it is looked at.

    Most rows end, or are corrected, before the last.
    """

    def __init__(self, steps: Sequence[StepTold], row: int) -> None:
        self._steps, self._row = steps, row

    def __len__(self) -> int:
        """How many steps were taken after the proposed one."""
        return len(self._steps) - 1

    @overload
    def __getitem__(self, index: int) -> StepAhead: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StepAhead]: ...
    def __getitem__(self, index: int | slice) -> StepAhead | Sequence[StepAhead]:
        """The step of this number, or several."""
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._step(index % len(self))

    def __iter__(self) -> Iterator[StepAhead]:
        """Each in order."""
        return map(self._step, range(len(self)))

    def _step(self, index: int) -> StepAhead:
        before, told, row = self._steps[index], self._steps[index + 1], self._row
        fed = before.next_tokens[row]
        return StepAhead(fed, before.next_slots[row], told.outcome(row, len(fed)))


def outcomes_of(
    proposals: Sequence[Proposal], steps: Sequence[StepTold], scores: Sequence[Array | None]
) -> list[Outcome]:
    """What each row hears of its proposal, and of the steps taken after it."""
    first = steps[0]
    has_more = len(steps) > 1
    return [
        first.outcome(
            row,
            len(proposal.token_ids),
            scores=scores[row] if scores else None,
            following=Following(steps, row) if has_more else (),
        )
        for row, proposal in enumerate(proposals)
    ]

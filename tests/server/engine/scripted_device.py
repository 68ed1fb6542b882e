"""What a device does by itself between two looks: steps ahead, and encodings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from server.decoding.strategy import Outcome, Proposal, StepAhead
from tests.server.engine.scripted_model import Answer, answer

# As many as the graph that feeds itself gives.
_CANDIDATES = 2
# What the graph's smallest probability comes to, or so.
_EXCLUDED = -70.0

Draft = Callable[[Sequence[int], int], Sequence[int]]
"""What to guess after the copy head looked at a place of a source."""


def no_draft(source: Sequence[int], looked_at: int) -> Sequence[int]:
    return ()


def copied_draft(width: int) -> Draft:
    """So many tokens that go on in the source, the last of it again and again at its end."""

    def draft(source: Sequence[int], looked_at: int) -> Sequence[int]:
        places = range(looked_at + 1, looked_at + 1 + width)
        return [source[min(place, len(source) - 1)] for place in places]

    return draft


@dataclass
class ScriptedRow:
    """A document, and what its cache holds."""

    source: tuple[int, ...]
    # The beginning that ends in each slot.
    slots: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def feed(self, token: int, slot: int, seen: Sequence[int]) -> Answer:
        """Puts a token into a slot; what may follow it."""
        before = self.slots[seen[-1]] if seen else ()
        assert len(before) == len(seen), "a beginning without a gap"
        self.slots[slot] = (*before, token)
        return answer(self.source, self.slots[slot])


class _Fed(NamedTuple):
    token_ids: list[int]
    first_slot: int


def steps_ahead(
    row: ScriptedRow, proposal: Proposal, outcome: Outcome, steps: int, draft: Draft
) -> list[StepAhead]:
    """The steps after a proposed one, each fed with what the one before it found likeliest."""
    assert proposal.ahead is not None, "nobody gave leave"
    following = []
    fed = _Fed(list(proposal.token_ids), proposal.first_slot)
    for _ in range(steps):
        fed = _next(row, fed, outcome, draft)
        outcome = _outcome(row, fed, proposal.ahead.excluded_ids)
        following.append(StepAhead(fed.token_ids, fed.first_slot, outcome))
    return following


def _next(row: ScriptedRow, fed: _Fed, outcome: Outcome, draft: Draft) -> _Fed:
    likeliest = outcome.token_ids[:, 0].tolist()
    drafted = fed.token_ids[1:]
    accepted = 0
    while accepted < len(drafted) and drafted[accepted] == likeliest[accepted]:
        accepted += 1
    assert outcome.copy_indices is not None
    looked_at = int(outcome.copy_indices[accepted])
    tokens = [likeliest[accepted], *draft(row.source, looked_at)]
    return _Fed(tokens, fed.first_slot + accepted + 1)


def _outcome(row: ScriptedRow, fed: _Fed, excluded_ids: Sequence[int]) -> Outcome:
    answers = [
        row.feed(token, slot, range(slot))
        for slot, token in enumerate(fed.token_ids, fed.first_slot)
    ]
    scores = np.stack([each.log_probs for each in answers])
    scores[:, list(excluded_ids)] = _EXCLUDED
    best = np.argsort(-scores, axis=1, kind="stable")[:, :_CANDIDATES]
    return Outcome(
        token_ids=best,
        log_probs=np.take_along_axis(scores, best, axis=1),
        copy_indices=np.array([each.copy_index for each in answers]),
        copy_gates=np.array([each.copy_gate for each in answers]),
    )

"""Which graph a step runs, and at which sizes."""

from collections.abc import Sequence
from typing import NamedTuple

from bundle.manifest import Geometry
from bundle.signature import DECODER_AHEAD, DECODER_TOKENS
from server.engine.runner import DecodeBatch
from server.runtime.device.memory.buckets import fit, fit_excluded, fit_tokens
from server.runtime.step.fill import most_excluded
from server.runtime.step.shape import FEWEST_TOKENS, StepShape

# Tokens of a row of one summary that are fed at once: more are refused. A row at its last place is
# padded to as many as its neighbours feed, and has to have slots for them.
MOST_FED = 16


class StepPlan(NamedTuple):
    """What a batch asks for, before the lane has been arranged for it."""

    graph: str
    tokens: int
    excluded: int
    gives_words: bool
    # Slots that it writes to, from the first of the cache; those of the steps ahead among them.
    slots: int
    steps_ahead: int

    def shape(self, *, extent: int, ladder: Sequence[int], source: int, slots: int) -> StepShape:
        """The sizes, as the lane has them."""
        rows = fit(ladder, extent)
        return StepShape(
            self.graph, rows, source, slots, self.tokens, self.excluded, self.gives_words
        )


def plan_step(batch: DecodeBatch, geometry: Geometry, *, draft: int, most_slots: int) -> StepPlan:
    """Decides how a batch is run; `draft` is how many tokens the device drafts by itself.

    Fewer steps are taken ahead where the cache would not hold them all. Raises ValueError where a
    row feeds more than can be.
    """
    proposals = batch.proposals
    given = max(len(proposal.token_ids) for proposal in proposals)
    gives_words = any(proposal.wants_scores for proposal in proposals)
    with_draft = 1 + draft if geometry.copy_head else 1
    if batch.lane.width == 1 and given > MOST_FED:
        raise ValueError(f"{given} tokens of a row at once, at most {MOST_FED}")
    is_plain = batch.lane.width == 1 and not gives_words and given <= with_draft
    end = max(proposal.first_slot for proposal in proposals)
    if not is_plain:
        tokens = given if batch.lane.width > 1 else fit_tokens(given)
        tokens = max(FEWEST_TOKENS, tokens)
        excluded = fit_excluded(most_excluded(proposals))
        return StepPlan(DECODER_TOKENS, tokens, excluded, gives_words, end + tokens, 0)
    has_leave = all(proposal.ahead is not None for proposal in proposals)
    ahead = batch.steps_ahead if has_leave else 0
    tokens = with_draft if given > 1 or ahead else 1
    ahead = max(0, min(ahead, (most_slots - end) // tokens - 1))
    lasting = max((len(p.ahead.excluded_ids) for p in proposals if p.ahead), default=0)
    excluded = fit_excluded(max(most_excluded(proposals), lasting))
    return StepPlan(DECODER_AHEAD, tokens, excluded, False, end + (ahead + 1) * tokens, ahead)

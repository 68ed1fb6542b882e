"""What the engine and a way of decoding say to one another.

    q queries    K candidates of each    V vocabulary

A strategy belongs to one row. Before a step it proposes tokens to feed, each with the cache slot
that it goes to; the step answers, for each of them, what may follow it. A row that feeds one token
a step, one that checks a draft of several, and one that keeps the beams of a search side by side
differ in nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from server.types import FinishReason

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Ahead:
    """Leave to go on after a proposal with what the model finds likeliest, without asking.

    A runner on a device takes several steps so, and what it wrote is looked at afterwards: what the
    row's rules forbid is thrown away, with all that came after it.
    """

    # Ids that may follow no token of this row, whatever it writes.
    excluded_ids: Sequence[int]
    # How many tokens the row has use for beyond the one after the proposal.
    most_tokens: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """The tokens that a row feeds at the next step: q of them, at least one."""

    token_ids: Sequence[int]
    # They go to the slots first_slot, first_slot + 1, ... of the row's cache, over what is there.
    first_slot: int
    # How many tokens come before each of them in its summary: its place for the network.
    places: Sequence[int]
    # For each of them, ids that must not follow it.
    excluded_ids: Sequence[Sequence[int]]
    # For each of them, the slots that it sees beside its own. None: all slots before its own, which
    # is what a single summary needs.
    ancestors: Sequence[Sequence[int]] | None = None
    # Whether the strategy wants to see the scores of the whole vocabulary.
    wants_scores: bool = False
    # None: every step must be proposed.
    ahead: Ahead | None = None


@dataclass(slots=True)
class Outcome:
    """What the model says may follow each of the proposed tokens.

    The arrays are the runner's own and hold until its next step. Like a StepAhead it is made for
    every row and step, and not frozen, because that would take three times as long.
    """

    # [q,K] the likeliest ids, best first, and their log-probabilities. Excluded ids come last;
    # where K reaches that far, they are among them.
    token_ids: Array
    log_probs: Array
    # [q] with a copy head: the source position looked at most, and how much is copied.
    copy_indices: Array | None = None
    copy_gates: Array | None = None
    # [q,V], if wanted: what a repetition penalty multiplies. Logits; with a copy head, the
    # logarithms of the probabilities. Excluded ids are scored like any other.
    scores: Array | None = None
    # The steps that the runner took by itself after the proposed one, in order.
    following: "Sequence[StepAhead]" = ()


@dataclass(slots=True)
class StepAhead:
    """A step that nobody proposed: see `Ahead`."""

    # What was fed: first the likeliest token after the last one that the step before confirmed,
    # then a draft of the device's own.
    token_ids: Sequence[int]
    # Where the first of them went.
    first_slot: int
    # What may follow each of them, where nothing but `Ahead.excluded_ids` was excluded.
    outcome: Outcome


class Look(NamedTuple):
    """Where the copy head looked when a token was chosen."""

    # The source position that it looked at most, and how much of the choice was copied, 0 to 1.
    place: int
    gate: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A complete summary."""

    # The end token not counted.
    tokens: Sequence[int]
    reason: FinishReason
    # Sum of the log-probabilities of its tokens, over their number to the power of the length
    # penalty; the end token counts in both.
    score: float
    # One for each token, None for one that was forced. Empty unless somebody asked for them.
    looks: Sequence[Look | None] = ()


def look_of(outcome: Outcome, query: int) -> Look:
    """Where the copy head looked after a query; only a model that has one is asked."""
    assert outcome.copy_indices is not None, "only a model with a copy head is asked"
    assert outcome.copy_gates is not None, "only a model with a copy head is asked"
    return Look(outcome.copy_indices.item(query), outcome.copy_gates.item(query))


class Strategy(Protocol):
    """Decides what one row writes.

    It sees nothing but its own row, so company cannot change its output.
    """

    @property
    def width(self) -> int:
        """Cache slots for each token of a summary: 1, or as many as summaries run side by side.

        It never changes. A row of width 1 proposes as many tokens as it likes; any other proposes
        exactly `width`.
        """

    @property
    def written(self) -> Sequence[int]:
        """The tokens that are certain to be in the best summary, so far; it only grows.

        The end token is not counted.
        """

    @property
    def hypotheses(self) -> Sequence[Hypothesis]:
        """The summaries, best first; complete once `advance` said so."""

    @property
    def drafting(self) -> "DraftCount":
        """What has been guessed ahead so far."""

    def outlook(self, most: int) -> Sequence[float]:
        """The chance of each of the next drafted tokens to be kept, at most `most` of them.

        Falling; empty where nothing can be drafted. 1 for a token that is certain.
        """

    def propose(self, most_drafted: int) -> Proposal:
        """What to feed next, with at most so many drafted tokens beside what must be fed.

        It may be asked again, with another number too, before there is an outcome.
        """

    def advance(self, outcome: Outcome) -> bool:
        """Takes the outcome of the proposal; True when the row is over."""


@dataclass(slots=True)
class DraftCount:
    """Tokens guessed ahead, and those among them that were kept."""

    drafted: int = 0
    accepted: int = 0
    # Of the steps that the runner took by itself, those that wrote something.
    steps_followed: int = 0

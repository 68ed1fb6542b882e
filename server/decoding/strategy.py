"""What the engine asks of a way of decoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.types import FinishReason


@dataclass(frozen=True, slots=True)
class Candidates:
    """The likeliest tokens of one row at one step, best first, excluded ones already left out."""

    token_ids: Sequence[int]
    log_probs: Sequence[float]


class Strategy(Protocol):
    """Decides what one row writes.

    It sees nothing but its own row, so company cannot change its output.
    """

    @property
    def tokens(self) -> Sequence[int]:
        """What has been written so far, the end token not counted."""

    @property
    def input_token(self) -> int:
        """The token to feed to the decoder next."""

    @property
    def position(self) -> int:
        """How many tokens the decoder has cached for this row: where the input token goes."""

    def excluded_ids(self) -> Sequence[int]:
        """Ids that must not be chosen at the next step."""

    def advance(self, candidates: Candidates) -> FinishReason | None:
        """Takes the outcome of a step; says why the row is finished, or None if it goes on."""

"""The one boundary to the model: what the engine asks of whoever holds the tensors.

Rows live in lanes. A lane is named by the longest source it can hold, and its rows are always
0..n-1 without a gap, so that a step reads one contiguous piece of memory. The engine keeps the
books; the runner moves the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.decoding.strategy import Candidates


class RunnerError(Exception):
    """The model could not be run on this batch; rows outside it are untouched."""


@dataclass(frozen=True, slots=True)
class EncodeBatch:
    """Documents to encode into the rows `first_row`, `first_row` + 1, ... of a lane."""

    lane: int
    first_row: int
    sources: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class DecodeBatch:
    """One step of all rows of a lane, row by row in order."""

    lane: int
    input_tokens: Sequence[int]
    positions: Sequence[int]
    excluded_ids: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Move:
    """The last row of a lane takes the place of one that left."""

    lane: int
    source_row: int
    target_row: int


class ModelRunner(Protocol):
    """Runs the model. Every call is synchronous and comes from the engine's one thread."""

    def encode(self, batch: EncodeBatch) -> None:
        """Encodes documents and keeps what the decoder needs of them in their rows."""

    def decode(self, batch: DecodeBatch) -> Sequence[Candidates]:
        """Runs one decoder step and returns each row's candidates."""

    def move(self, move: Move) -> None:
        """Copies a row, cache and all, to another place of its lane."""

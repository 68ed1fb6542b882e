"""The one boundary to the model: what the engine asks of whoever holds the tensors.

Rows live in lanes. A lane's rows are always 0..n-1 without a gap, so that a step reads one
contiguous piece of memory. The engine keeps the books; the runner moves the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from server.decoding.strategy import Outcome, Proposal


class RunnerError(Exception):
    """The model could not be run on this batch; rows outside it are untouched."""


class OutOfMemoryRunnerError(RunnerError):
    """There was no memory for this batch."""


class RunnerLostError(Exception):
    """The model can never be run by this runner again, and nothing that it holds is of use."""


class LaneKey(NamedTuple):
    """Rows that are alike enough to share a step."""

    # The longest source that a row of it may have.
    longest_source: int
    # How many summaries each row keeps side by side.
    width: int


class DecodeBatch(NamedTuple):
    """One step of all rows of a lane, row by row in order."""

    lane: LaneKey
    proposals: Sequence[Proposal]
    # How many more steps the runner may take by itself; above 0 only where every proposal gives
    # leave. It may take fewer, the same number for every row.
    steps_ahead: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """The last row of a lane takes the place of one that left."""

    lane: LaneKey
    source_row: int
    target_row: int


class Encoding(Protocol):
    """Documents on their way through the encoder: slice by slice, or by themselves on a device.

    The first `advance` sets them going. Of those that go on by themselves several are under way at
    once, and they end in the order in which they began; one that nobody waits for any more is
    looked at to its end too, so its memory is still in use until then.
    """

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself, so that `advance` need not be called for it to proceed.

        Asked after an `advance`; it stays so once all is done.
        """

    def advance(self, *, wait: bool = True) -> bool:
        """Runs the next slice, or looks how far the device is; True when all is done.

        With `wait`, what goes on by itself is waited for.
        """


class ModelRunner(Protocol):
    """Runs the model. Every call is synchronous and comes from the engine's one thread."""

    @property
    def most_steps_ahead(self) -> int:
        """How many steps it can take by itself after a proposed one; 0 where it never can."""

    @property
    def encodes_by_itself(self) -> bool:
        """Whether documents are encoded beside the steps, and so keep nobody who runs waiting."""

    def begin_encoding(self, sources: Sequence[Sequence[int]]) -> Encoding:
        """Prepares documents to be encoded together; nothing is run yet."""

    def admit(
        self, encoding: Encoding, documents: Sequence[int], lane: LaneKey, first_row: int
    ) -> None:
        """Puts these of the encoded documents in the rows `first_row`, `first_row` + 1, ..."""

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        """Runs one decoder step and returns what may follow each row's proposed tokens."""

    def move(self, move: Move) -> None:
        """Copies a row, cache and all, to another place of its lane."""

    def vacate(self, lane: LaneKey) -> None:
        """Lets go of a lane's memory: the last of its rows has left, or none was ever there."""

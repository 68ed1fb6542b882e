"""A request inside the engine, and what the engine says about it."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.decoding.strategy import DraftCount, Hypothesis, Strategy
from server.engine.pace import Work
from server.errors import RequestError

LONGEST_YIELD_S = 5.0
"""So long a window of a long document gives way. After that it is a request like any other."""


@dataclass(slots=True)
class Terms:
    """What the caller of one or more requests wants.

    The caller may change it while they run: the engine reads it at every step.
    """

    # On the engine's clock; None waits for ever.
    deadline_s: float | None = None
    # When this becomes true, the tokens written before are reported too.
    wants_tokens: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class EngineRequest:
    """What the engine needs to write one summary."""

    id: int
    source_ids: Sequence[int]
    strategy: Strategy
    # After how many decoder steps its summary should be complete.
    expected_steps: int = 1
    terms: Terms = field(default_factory=Terms)
    # When its caller handed it over; None is when the engine takes it in.
    submitted_s: float | None = None
    # Whether it lets others go first: one of many windows of a long document.
    yields: bool = False


class Stage(enum.Enum):
    """Where a row is, in a word for people; only the scheduler moves it on."""

    WAITING = "waiting"
    ENCODING = "encoding"
    RUNNING = "running"
    GONE = "gone"


@dataclass(slots=True, eq=False)
class Row:
    """A request on its way through the engine; its place in a lane is that in the lane's list."""

    request: EngineRequest
    submitted_s: float
    stage: Stage = Stage.WAITING
    cancelled: bool = False
    encode_started_s: float = 0.0
    encode_ended_s: float = 0.0
    # Steps that were proposed for it, steps that the runner took for it by itself, and tokens that
    # its caller was told of.
    steps: int = 0
    steps_ahead: int = 0
    num_told: int = 0
    # What it asks of the machine, as expected.
    work: Work = field(init=False)

    def __post_init__(self) -> None:
        self.work = Work.of_document(
            tokens=self.source_length,
            steps=self.request.expected_steps,
            width=self.request.strategy.width,
        )

    @property
    def source_length(self) -> int:
        """Tokens of the source, special ones counted."""
        return len(self.request.source_ids)

    def gives_way(self, now_s: float) -> bool:
        """Whether it lets others go first, which it does only for so long."""
        return self.request.yields and now_s - self.submitted_s < LONGEST_YIELD_S

    def is_expired(self, now_s: float) -> bool:
        """Whether the caller's deadline has passed."""
        deadline_s = self.request.terms.deadline_s  # read once: it may be changed meanwhile
        return deadline_s is not None and now_s >= deadline_s


@dataclass(frozen=True, slots=True)
class Written:
    """The newest tokens of a request that wants to hear of them, at least one."""

    request_id: int
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Stamps:
    """When a request passed from one stage to the next, on the engine's clock."""

    submitted_s: float
    encode_started_s: float
    encode_ended_s: float
    decode_ended_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A request is complete."""

    request_id: int
    # Best first, at least one.
    hypotheses: Sequence[Hypothesis]
    # Runs of the decoder that it took, those that came to nothing counted.
    steps: int
    drafting: DraftCount
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class Failed:
    """A request is over without a summary."""

    request_id: int
    error: RequestError


Event = Written | Finished | Failed

"""A runner that says what it is told to, and keeps an honest account of the rows it was given."""

from collections.abc import Sequence

from bundle.manifest import SpecialTokens
from server.decoding.greedy import Greedy
from server.decoding.strategy import Candidates
from server.engine.admission import Batching
from server.engine.engine import Engine
from server.engine.request import EngineRequest, Event, Failed, Finished
from server.engine.runner import DecodeBatch, EncodeBatch, Move, RunnerError
from server.engine.scheduler import EngineConfig
from server.types import DecodingOptions

END = 1
SPECIAL = SpecialTokens(pad_id=0, end_id=END, decoder_start_id=0, never_emitted_ids=(0,))
LANES = (4, 8, 16)


class ScriptedRunner:
    """Writes each source backwards, then the end token.

    What a row writes depends on its own source alone, so a row that was mixed up with another is
    seen at once.
    """

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, Sequence[int]]] = {lane: {} for lane in LANES}
        self.encoded: list[EncodeBatch] = []
        self.decoded: list[DecodeBatch] = []
        self.moves: list[Move] = []
        # A source with this token cannot be encoded; a lane in `broken_lanes` cannot be decoded.
        self.poison: int | None = None
        self.broken_lanes: set[int] = set()

    def encode(self, batch: EncodeBatch) -> None:
        self.encoded.append(batch)
        if any(self.poison in source for source in batch.sources):
            raise RunnerError("poisoned")
        for row, source in enumerate(batch.sources, start=batch.first_row):
            self.rows[batch.lane][row] = source

    def decode(self, batch: DecodeBatch) -> Sequence[Candidates]:
        self.decoded.append(batch)
        if batch.lane in self.broken_lanes:
            raise RunnerError("broken")
        return [
            Candidates(self._ranked(batch.lane, row, position), (-0.1, -2.0))
            for row, position in enumerate(batch.positions)
        ]

    def move(self, move: Move) -> None:
        self.moves.append(move)
        rows = self.rows[move.lane]
        rows[move.target_row] = rows[move.source_row]

    def _ranked(self, lane: int, row: int, position: int) -> tuple[int, int]:
        backwards = [*reversed(self.rows[lane][row]), END]
        return backwards[position], END


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def make_engine(
    runner: ScriptedRunner,
    *,
    max_rows: int = 4,
    max_encode_tokens: int = 32,
    batching: Batching = Batching.CONTINUOUS,
    clock: Clock | None = None,
) -> Engine:
    config = EngineConfig(LANES, max_rows, max_encode_tokens, batching)
    return Engine(config, runner, clock=clock or Clock())


def make_request(
    request_id: int,
    source_ids: Sequence[int] = (10, 11, 12),
    *,
    max_tokens: int = 100,
    deadline_s: float | None = None,
    wants_tokens: bool = False,
) -> EngineRequest:
    options = DecodingOptions(max_tokens=max_tokens, min_tokens=0, no_repeat_ngram_size=0)
    return EngineRequest(
        id=request_id,
        source_ids=source_ids,
        strategy=Greedy(options, SPECIAL),
        deadline_s=deadline_s,
        wants_tokens=wants_tokens,
    )


def run(engine: Engine, max_steps: int = 1000) -> list[Event]:
    """Steps until nothing is left to do."""
    events: list[Event] = []
    for _ in range(max_steps):
        if engine.is_idle:
            return events
        events += engine.step()
    raise AssertionError(f"still not idle after {max_steps} steps")


def finished(events: Sequence[Event]) -> dict[int, list[int]]:
    return {e.request_id: list(e.tokens) for e in events if isinstance(e, Finished)}


def failed(events: Sequence[Event]) -> dict[int, Failed]:
    return {e.request_id: e for e in events if isinstance(e, Failed)}

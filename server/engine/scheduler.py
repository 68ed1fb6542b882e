"""Who runs where.

plan() looks and changes nothing; the other methods are the only ones that change anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from server.engine.admission import Batching, alike, free_rows, longest_source_for
from server.engine.request import EngineRequest, Row, Stage
from server.engine.runner import LaneKey, Move


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What bounds the engine's work."""

    # Longest source of each lane, ascending; the last is the longest source that can be served.
    lanes: tuple[int, ...]
    max_rows: int
    # Padded source tokens encoded together.
    max_encode_tokens: int
    batching: Batching = Batching.CONTINUOUS
    # Most tokens that a row may guess ahead at a step; 0 switches drafting off.
    most_drafted: int = 7
    # Whether a document is encoded in slices between the steps of those that run, or in one go.
    slices_encoding: bool = True
    # Whether newcomers join whoever runs, however few they are.
    joins_at_once: bool = False
    # Whether requests that can no longer finish in time are dropped from the queue.
    refuses_late: bool = True


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What the next step will do before it decodes every running row."""

    dead: tuple[Row, ...]
    # Waiting rows that may start, in batches to encode together, one batch after the other.
    starting: tuple[tuple[Row, ...], ...]
    # Documents that could start now if they were encoded, those under way among them.
    num_startable: int
    # Whether those who give way rest, because others are served, and which running rows that are.
    serves_others: bool = False
    paused: tuple[Row, ...] = ()


class Scheduler:
    """Holds the waiting requests in order of arrival and the running ones in their lanes.

    Windows of a long document give way: while anybody else is inside, they do not start, and those
    that run are paused. They hold at most half of the rows.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._rows: dict[int, Row] = {}
        # In order of arrival, which is the order that a dictionary keeps.
        self._waiting: dict[int, Row] = {}
        # Being encoded: they have left the queue and have no place in a lane yet.
        self._encoding: dict[int, Row] = {}
        self._lanes: dict[LaneKey, list[Row]] = {}

    @property
    def num_waiting(self) -> int:
        """Requests that nobody has begun to encode."""
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        """Requests that hold a row."""
        return len(self._rows) - len(self._waiting) - len(self._encoding)

    @property
    def num_cache_rows(self) -> int:
        """Cache rows of those that run: a search holds one for each of its beams."""
        return sum(lane.width * len(rows) for lane, rows in self._lanes.items())

    @property
    def num_cache_rows_taken(self) -> int:
        """Cache rows of those that run or are being encoded."""
        encoding = sum(row.request.strategy.width for row in self._encoding.values())
        return self.num_cache_rows + encoding

    @property
    def num_free(self) -> int:
        """How many of those who wait could start now."""
        free = free_rows(
            self._config.batching, running=self.num_running, max_rows=self._config.max_rows
        )
        return min(len(self._waiting), max(0, free - len(self._encoding)))

    @property
    def num_startable(self) -> int:
        """Documents that could start now if they were encoded, those under way among them."""
        return len(self._encoding) + self.num_free

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._rows

    def lane(self, lane: LaneKey) -> Sequence[Row]:
        """The rows of a lane, in their places."""
        return self._lanes.get(lane, ())

    def lane_of(self, row: Row) -> LaneKey:
        """Where a row belongs."""
        longest = longest_source_for(row.source_length, self._config.lanes)
        return LaneKey(longest, row.request.strategy.width)

    def lanes_to_decode(self, paused: Sequence[Row] = ()) -> Sequence[LaneKey]:
        """The lanes that have rows, but for those whose rows are paused."""
        resting = {self.lane_of(row) for row in paused}
        return [lane for lane, rows in self._lanes.items() if rows and lane not in resting]

    def waiting(self, now_s: float) -> Sequence[Row]:
        """Those that nobody has begun to encode: in order of arrival, who gives way last."""
        return sorted(self._waiting.values(), key=lambda row: row.gives_way(now_s))

    def all_rows(self) -> Sequence[Row]:
        """Everyone, waiting, being encoded or running."""
        return tuple(self._rows.values())

    def add(self, request: EngineRequest, now_s: float) -> None:
        """Puts a request at the end of the queue."""
        submitted_s = now_s if request.submitted_s is None else request.submitted_s
        row = Row(request, submitted_s)
        self._rows[request.id] = row
        self._waiting[request.id] = row

    def cancel(self, request_id: int) -> None:
        """Marks a request for removal at the next step; one that is over already is left alone."""
        if row := self._rows.get(request_id):
            row.cancelled = True

    def plan(self, now_s: float) -> StepPlan:
        """Decides who leaves and who starts."""
        dead = tuple(r for r in self._rows.values() if r.cancelled or r.is_expired(now_s))
        gone = {row.request.id for row in dead}
        running = self.num_running - sum(row.stage is Stage.RUNNING for row in dead)
        free = free_rows(self._config.batching, running=running, max_rows=self._config.max_rows)
        encoding = sum(request_id not in gone for request_id in self._encoding)
        free = max(0, free - encoding)
        alive = [row for row in self._rows.values() if row.request.id not in gone]
        yielding = {row.request.id for row in alive if row.gives_way(now_s)}
        waiting: Iterator[Row] = (row for row in alive if row.stage is Stage.WAITING)
        if yielding:
            waiting = self._who_may_start(alive, yielding)
        startable = list(islice(waiting, free))
        started = (row for row in alive if row.stage is not Stage.WAITING)
        served = chain(startable, started) if yielding else ()
        serves_others = any(row.request.id not in yielding for row in served)
        return StepPlan(
            dead,
            tuple(self._batches(startable)),
            len(startable) + encoding,
            serves_others,
            tuple(self._paused(yielding)) if serves_others else (),
        )

    def _who_may_start(self, alive: Sequence[Row], yielding: set[int]) -> Iterator[Row]:
        """Those who do not give way, or else so many who do that half of the rows stay free."""
        if len(yielding) < len(alive):
            rows = (row for row in alive if row.request.id not in yielding)
            return (row for row in rows if row.stage is Stage.WAITING)
        waiting = [row for row in alive if row.stage is Stage.WAITING]
        room = max(1, self._config.max_rows // 2) - (len(alive) - len(waiting))
        return islice(waiting, max(0, room))

    def _paused(self, yielding: set[int]) -> Iterator[Row]:
        """The rows of the lanes where all give way. In a lane with others they go on."""
        for rows in self._lanes.values():
            if all(row.request.id in yielding for row in rows):
                yield from rows

    def begin(self, rows: Sequence[Row]) -> None:
        """Takes rows out of the queue to be encoded."""
        for row in rows:
            self._encoding[row.request.id] = self._waiting.pop(row.request.id)
            row.stage = Stage.ENCODING

    def admit(self, rows: Sequence[Row], lane: LaneKey) -> None:
        """Gives rows that were encoded their places at the end of a lane."""
        for row in rows:
            del self._encoding[row.request.id]
            row.stage = Stage.RUNNING
        self._lanes.setdefault(lane, []).extend(rows)

    def remove(self, rows: Sequence[Row]) -> list[Move]:
        """Lets go of rows wherever they are.

        The moves it returns, made in order, keep every lane without a gap.
        """
        moves = []
        # Finished rows come in the order of their places: from the last one down, none of them is
        # moved before it goes.
        for row in reversed(rows):
            del self._rows[row.request.id]
            match row.stage:
                case Stage.WAITING:
                    del self._waiting[row.request.id]
                case Stage.ENCODING:
                    del self._encoding[row.request.id]
                case Stage.RUNNING:
                    moves += self._close_gap(self.lane_of(row), row)
            row.stage = Stage.GONE
        return moves

    def _close_gap(self, lane: LaneKey, row: Row) -> list[Move]:
        rows = self._lanes[lane]
        place, last = rows.index(row), len(rows) - 1
        rows[place] = rows[last]
        rows.pop()
        return [Move(lane, source_row=last, target_row=place)] if place != last else []

    def _batches(self, candidates: list[Row]) -> Iterator[tuple[Row, ...]]:
        """The first in the queue with those that suit it, then the first of the rest, and so on.

        Who yields is encoded alone, so that others soon get their turn.
        """
        while candidates:
            if candidates[0].request.yields:
                yield (candidates[0],)
                candidates = candidates[1:]
                continue
            lane = self.lane_of(candidates[0])
            fellows = [
                row for row in candidates if self.lane_of(row) == lane and not row.request.yields
            ]
            lengths = [row.source_length for row in fellows]
            chosen = alike(lengths, self._config.max_encode_tokens)
            batch = tuple(row for index, row in enumerate(fellows) if index in chosen)
            yield batch
            candidates = [row for row in candidates if row not in batch]

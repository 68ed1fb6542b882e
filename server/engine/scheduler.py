"""Who runs where.

plan() looks and changes nothing; the other methods are the only ones that change anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from server.engine.admission import Batching, free_rows, lane_for, split_by_budget
from server.engine.request import EngineRequest, Row
from server.engine.runner import Move


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What bounds the engine's work."""

    # Longest source of each lane, ascending; the last is the longest source that can be served.
    lanes: tuple[int, ...]
    max_rows: int
    # Padded source tokens encoded between two decoder steps: bounds how long an arrival stalls the
    # running rows.
    max_encode_tokens: int
    batching: Batching = Batching.CONTINUOUS


@dataclass(frozen=True, slots=True)
class Admission:
    """Waiting rows to encode together and then to append to a lane."""

    lane: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What the next step will do before it decodes every running row."""

    dead: tuple[Row, ...]
    admissions: tuple[Admission, ...]


class Scheduler:
    """Holds the waiting requests in order of arrival and the running ones in their lanes."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._rows: dict[int, Row] = {}
        # In order of arrival, which is the order that a dictionary keeps.
        self._waiting: dict[int, Row] = {}
        self._lanes: dict[int, list[Row]] = {lane: [] for lane in config.lanes}

    @property
    def num_waiting(self) -> int:
        """Requests that have not been encoded yet."""
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        """Requests that hold a row."""
        return len(self._rows) - len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._rows

    def lane(self, lane: int) -> Sequence[Row]:
        """The rows of a lane, in their places."""
        return self._lanes[lane]

    def busy_lanes(self) -> Iterator[int]:
        """The lanes that have rows."""
        return (lane for lane, rows in self._lanes.items() if rows)

    def all_rows(self) -> Sequence[Row]:
        """Everyone, waiting or running."""
        return tuple(self._rows.values())

    def is_waiting(self, row: Row) -> bool:
        """Whether a request has not been encoded yet."""
        return row.request.id in self._waiting

    def add(self, request: EngineRequest, now_s: float) -> None:
        """Puts a request at the end of the queue."""
        row = Row(request, submitted_s=now_s)
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
        running = self.num_running - sum(not self.is_waiting(row) for row in dead)
        free = free_rows(self._config.batching, running=running, max_rows=self._config.max_rows)
        alive = (row for row in self._waiting.values() if row.request.id not in gone)
        return StepPlan(dead, tuple(self._plan_admissions(list(islice(alive, free)))))

    def admit(self, admission: Admission) -> None:
        """Gives rows that were encoded their places."""
        for row in admission.rows:
            del self._waiting[row.request.id]
        self._lanes[admission.lane].extend(admission.rows)

    def remove(self, rows: Sequence[Row]) -> list[Move]:
        """Lets go of rows wherever they are.

        The moves it returns, made in order, keep every lane without a gap.
        """
        moves = []
        # Finished rows come in the order of their places: from the last one down, none of them is
        # moved before it goes.
        for row in reversed(rows):
            del self._rows[row.request.id]
            if self._waiting.pop(row.request.id, None):
                continue
            lane = lane_for(row.source_length, self._config.lanes)
            moves += self._close_gap(lane, row)
        return moves

    def _close_gap(self, lane: int, row: Row) -> list[Move]:
        rows = self._lanes[lane]
        place, last = rows.index(row), len(rows) - 1
        rows[place] = rows[last]
        rows.pop()
        return [Move(lane, source_row=last, target_row=place)] if place != last else []

    def _plan_admissions(self, candidates: Sequence[Row]) -> Iterator[Admission]:
        """Groups by lane, but starts nobody before an earlier arrival.

        Order of arrival decides who fits.
        """
        sizes = split_by_budget(
            [row.source_length for row in candidates], self._config.max_encode_tokens
        )
        if self._config.batching is Batching.CONTINUOUS:
            sizes = sizes[:1]
        start = 0
        for size in sizes:
            yield from self._by_lane(candidates[start : start + size])
            start += size

    def _by_lane(self, rows: Sequence[Row]) -> Iterator[Admission]:
        groups: dict[int, list[Row]] = {}
        for row in rows:
            groups.setdefault(lane_for(row.source_length, self._config.lanes), []).append(row)
        return (Admission(lane, tuple(group)) for lane, group in groups.items())

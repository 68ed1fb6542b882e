"""Documents are encoded beside those that are being written: in slices, between two steps.

A running row waits for what is encoded between two of its tokens. So those who come wait until
they are as many as those that run. So that nobody then waits for longer than a step takes, an
encoding is cut into slices; only where more documents wait than run may it take longer, in
proportion, because then more are served than held up.

A device encodes by itself. Several batches are then under way at once, so that it is not out of
work between two looks, and rows go on being decoded until a look finds the first of them done.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.engine.admission import Batching, may_join, padded_tokens
from server.engine.observer import EngineObserver
from server.engine.pace import PaceMeter
from server.engine.request import Row, Stage
from server.engine.runner import Encoding, ModelRunner, RunnerError
from server.engine.scheduler import EngineConfig, Scheduler, StepPlan

# Each holds the memory of what was encoded until its rows have places.
MOST_UNDER_WAY = 4


@dataclass(slots=True, eq=False)
class _Batch:
    rows: tuple[Row, ...]
    encoding: Encoding
    begun_s: float
    # Of the host's time.
    spent_s: float = 0.0


class EncodingDesk:
    """Takes batches from the queue into their lanes.

    It advances one batch at a time; beside it, a few may be under way by themselves.
    """

    def __init__(
        self,
        config: EngineConfig,
        runner: ModelRunner,
        scheduler: Scheduler,
        *,
        observer: EngineObserver,
        meter: PaceMeter,
        clock: Callable[[], float],
        fail: Callable[[Sequence[Row], RunnerError], None],
    ) -> None:
        self._config = config
        self._runner = runner
        self._scheduler = scheduler
        self._observer = observer
        self._meter = meter
        self._clock = clock
        self._fail = fail
        self._current: _Batch | None = None
        # In order of their beginnings, and the device ends them in it.
        self._under_way: deque[_Batch] = deque()
        # Begun, and set aside for others: all its rows give way.
        self._aside: deque[_Batch] = deque()
        # Rows of a batch that failed: each is tried once more, alone, so that none can fail its
        # company.
        self._alone: deque[Row] = deque()

    def work(self, plan: StepPlan, step_s: float) -> None:
        """Encodes for as long as those that run may be kept waiting; `step_s` is what a step takes.

        At least one slice, if there is any and those who wait for it may join. What is under way is
        waited for only if nobody runs.
        """
        running = self._scheduler.num_running - len(plan.paused)
        until_s = self._clock() + self._patience_s(plan, running, step_s)
        self._give_way(plan)
        starting = deque(plan.starting)
        while (batch := self._next(starting, running, step_s)) is not None:
            if self._goes_on(batch, wait=False):
                self._current = None
            elif batch.encoding.is_under_way:
                self._under_way.append(batch)
                self._current = None
            is_patient = self._clock() < until_s and not self._gives_way(batch)
            if not is_patient and self._may_pause():
                break
        while self._under_way:
            nobody_runs = self._scheduler.num_running == len(plan.paused)
            if not self._goes_on(self._under_way[0], wait=nobody_runs):
                return
            self._under_way.popleft()

    def _give_way(self, plan: StepPlan) -> None:
        """Sets what was begun aside while others are served, and takes it up again after that."""
        if self._current is not None and plan.serves_others and self._gives_way(self._current):
            self._aside.append(self._current)
            self._current = None
        if self._current is None and self._aside:
            if not (plan.serves_others and self._gives_way(self._aside[0])):
                self._current = self._aside.popleft()

    def _gives_way(self, batch: _Batch) -> bool:
        now_s = self._clock()
        return all(row.gives_way(now_s) for row in batch.rows)

    def _patience_s(self, plan: StepPlan, running: int, step_s: float) -> float:
        if running == 0 or self._config.batching is not Batching.CONTINUOUS:
            return math.inf
        return step_s * max(1.0, plan.num_startable / running)

    def _may_pause(self) -> bool:
        return self._config.slices_encoding or self._current is None

    def _next(self, starting: deque[tuple[Row, ...]], running: int, step_s: float) -> _Batch | None:
        """The batch to advance: the one begun last, or a new one; somebody still waits for it."""
        if self._current is not None and not any(map(_still_wanted, self._current.rows)):
            self._current = None
        while self._current is None and len(self._under_way) < MOST_UNDER_WAY:
            if self._alone:
                rows = tuple(filter(_still_wanted, [self._alone.popleft()]))
            elif starting and self._may_join(starting[0][0], running, step_s):
                # The plan may be old by now. Whose time ran out hears of it at the next step.
                now_s = self._clock()
                rows = tuple(row for row in starting.popleft() if not row.is_expired(now_s))
                self._scheduler.begin(rows)
            else:
                return None
            if rows:
                self._current = self._begun(rows)
        return self._current

    def _may_join(self, first: Row, running: int, step_s: float) -> bool:
        """Whether the queue, of which this is the first, may keep those that run waiting."""
        if self._runner.encodes_by_itself or self._config.joins_at_once:
            return True
        waiting, waited_s = self._scheduler.num_waiting, self._clock() - first.submitted_s
        return may_join(waiting=waiting, running=running, waited_s=waited_s, step_s=step_s)

    def _begun(self, rows: tuple[Row, ...]) -> _Batch | None:
        now_s = self._clock()
        for row in rows:
            row.encode_started_s = now_s
        try:
            encoding = self._runner.begin_encoding([row.request.source_ids for row in rows])
        except RunnerError as error:
            self._give_up(rows, error)
            return None
        return _Batch(rows, encoding, now_s)

    def _goes_on(self, batch: _Batch, *, wait: bool) -> bool:
        """Advances a batch; True once it is over, whether its rows have places or were given up."""
        started_s = self._clock()
        try:
            is_done = batch.encoding.advance(wait=wait)
        except RunnerError as error:
            self._give_up(batch.rows, error)
            return True
        batch.spent_s += self._clock() - started_s
        if is_done:
            self._admit(batch)
        return is_done

    def _admit(self, batch: _Batch) -> None:
        """Gives places to those that still want them."""
        self._tell_encoded(batch)
        alive = [index for index, row in enumerate(batch.rows) if _still_wanted(row)]
        if not alive:  # they left while it was under way by itself
            return
        rows = [batch.rows[index] for index in alive]
        lane = self._scheduler.lane_of(rows[0])
        first_row = len(self._scheduler.lane(lane))
        try:
            self._runner.admit(batch.encoding, alive, lane, first_row)
        except RunnerError as error:
            self._give_up(batch.rows, error)
            return
        self._scheduler.admit(rows, lane)

    def _tell_encoded(self, batch: _Batch) -> None:
        now_s = self._clock()
        for row in batch.rows:
            row.encode_ended_s = now_s
        lengths = [row.source_length for row in batch.rows]
        seconds = now_s - batch.begun_s if batch.encoding.is_under_way else batch.spent_s
        self._meter.encoded(documents=len(lengths), tokens=sum(lengths), seconds=seconds)
        self._observer.encoded(
            documents=len(lengths),
            tokens=sum(lengths),
            padded_tokens=padded_tokens(lengths),
            seconds=seconds,
        )

    def _give_up(self, rows: Sequence[Row], error: RunnerError) -> None:
        held = [row for row in rows if _still_wanted(row)]
        if len(held) > 1:
            self._alone.extend(held)
        else:
            self._fail(held, error)


def _still_wanted(row: Row) -> bool:
    """Rows of a batch may leave while it is encoded."""
    return row.stage is Stage.ENCODING

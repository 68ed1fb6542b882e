"""Documents are encoded beside those that are being written: in slices, between two steps.

A running row waits for what is encoded between two of its tokens. So that this takes no longer than
a step does, an encoding is cut into slices; only where more documents wait than run may it take
longer, in proportion, because then more are served than held up.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence

from server.engine.admission import Batching, padded_tokens
from server.engine.observer import EngineObserver
from server.engine.request import Row
from server.engine.runner import Encoding, ModelRunner, RunnerError
from server.engine.scheduler import EngineConfig, Scheduler, StepPlan


class EncodingDesk:
    """Takes batches from the queue into their lanes, at most one of them under way."""

    def __init__(
        self,
        config: EngineConfig,
        runner: ModelRunner,
        scheduler: Scheduler,
        *,
        observer: EngineObserver,
        clock: Callable[[], float],
        fail: Callable[[Sequence[Row], RunnerError], None],
    ) -> None:
        self._config = config
        self._runner = runner
        self._scheduler = scheduler
        self._observer = observer
        self._clock = clock
        self._fail = fail
        self._rows: tuple[Row, ...] = ()
        self._encoding: Encoding | None = None
        self._spent_s = 0.0
        # Rows of a batch that failed: each is tried once more, alone, so that none can fail its
        # company.
        self._alone: deque[Row] = deque()

    def work(self, plan: StepPlan, step_s: float) -> None:
        """Encodes for as long as those that run may be kept waiting; `step_s` is what a step takes.

        At least one slice, if there is any.
        """
        until_s = self._clock() + self._patience_s(plan, step_s)
        batches = deque(plan.starting)
        while self._take_next(batches):
            self._advance()
            if self._clock() >= until_s and self._may_pause():
                return

    def _patience_s(self, plan: StepPlan, step_s: float) -> float:
        running = self._scheduler.num_running
        if running == 0 or self._config.batching is not Batching.CONTINUOUS:
            return math.inf
        return step_s * max(1.0, plan.num_startable / running)

    def _may_pause(self) -> bool:
        return self._config.slices_encoding or self._encoding is None

    def _take_next(self, batches: deque[tuple[Row, ...]]) -> bool:
        """Makes sure that an encoding is under way whose rows somebody still waits for."""
        if not any(map(self._scheduler.holds, self._rows)):
            self._rows, self._encoding = (), None
        while self._encoding is None and self._alone:
            row = self._alone.popleft()
            if self._scheduler.holds(row):
                self._start((row,))
        while self._encoding is None and batches:
            # The plan may be old by now. Whose time ran out meanwhile hears of it at the next step.
            now_s = self._clock()
            rows = tuple(row for row in batches.popleft() if not row.is_expired(now_s))
            if rows:
                self._scheduler.begin(rows)
                self._start(rows)
        return self._encoding is not None

    def _start(self, rows: tuple[Row, ...]) -> None:
        self._rows, self._spent_s = rows, 0.0
        now_s = self._clock()
        for row in rows:
            row.encode_started_s = now_s
        try:
            self._encoding = self._runner.begin_encoding([row.request.source_ids for row in rows])
        except RunnerError as error:
            self._give_up(error)

    def _advance(self) -> None:
        assert self._encoding is not None
        started_s = self._clock()
        try:
            is_done = self._encoding.advance()
        except RunnerError as error:
            self._give_up(error)
            return
        self._spent_s += self._clock() - started_s
        if is_done:
            self._admit(self._encoding)

    def _admit(self, encoding: Encoding) -> None:
        """Gives places to those that still want them."""
        self._tell_encoded()
        alive = [index for index, row in enumerate(self._rows) if self._scheduler.holds(row)]
        rows = [self._rows[index] for index in alive]
        lane = self._scheduler.lane_of(rows[0])
        try:
            self._runner.admit(encoding, alive, lane, first_row=len(self._scheduler.lane(lane)))
        except RunnerError as error:
            self._give_up(error)
            return
        self._rows, self._encoding = (), None
        self._scheduler.admit(rows, lane)

    def _tell_encoded(self) -> None:
        now_s = self._clock()
        for row in self._rows:
            row.encode_ended_s = now_s
        lengths = [row.source_length for row in self._rows]
        self._observer.encoded(
            documents=len(lengths),
            tokens=sum(lengths),
            padded_tokens=padded_tokens(lengths),
            seconds=self._spent_s,
        )

    def _give_up(self, error: RunnerError) -> None:
        rows = [row for row in self._rows if self._scheduler.holds(row)]
        self._rows, self._encoding = (), None
        if len(rows) > 1:
            self._alone.extend(rows)
        else:
            self._fail(rows, error)

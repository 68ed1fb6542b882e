"""step(): plan, encode who starts, decode everyone once, commit, and say what happened."""

import math
import time
from collections.abc import Callable, Sequence

from server.decoding.strategy import Candidates
from server.engine.admission import padded_tokens
from server.engine.observer import EngineObserver, SilentObserver
from server.engine.request import EngineRequest, Event, Failed, Finished, Row, Written
from server.engine.runner import DecodeBatch, EncodeBatch, ModelRunner, RunnerError
from server.engine.scheduler import Admission, EngineConfig, Scheduler
from server.errors import DeadlineExpired, EngineFailure
from server.types import FinishReason

# After so many failed steps without one that worked, the fault is not in a request: whoever watches
# the process should see it end, rather than a server that takes requests only to fail them.
_MOST_FAILED_STEPS = 8


class Engine:
    """Continuous batching, synchronous and without a thread: whoever calls step() drives it."""

    def __init__(
        self,
        config: EngineConfig,
        runner: ModelRunner,
        *,
        observer: EngineObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._observer = observer or SilentObserver()
        self._clock = clock
        self._scheduler = Scheduler(config)
        self._longest_source = config.lanes[-1]
        # Said at the end of a step; kept here, so that what was finished before a fatal failure in
        # the same step is not lost with it.
        self._events: list[Event] = []
        self._failed_steps = 0

    @property
    def is_idle(self) -> bool:
        """Whether a step would do nothing and has nothing to say."""
        return self._scheduler.is_idle and not self._events

    @property
    def scheduler(self) -> Scheduler:
        """The books, for looking only."""
        return self._scheduler

    def submit(self, request: EngineRequest) -> None:
        """Takes a request into the queue; one that fits no lane fails at the next step."""
        if len(request.source_ids) > self._longest_source:
            problem = f"{len(request.source_ids)} source tokens, at most {self._longest_source}"
            self._events.append(Failed(request.id, EngineFailure(problem)))
            return
        self._scheduler.add(request, self._clock())

    def cancel(self, request_id: int) -> None:
        """Lets a request go at the next step, wherever it is; nothing more is said about it."""
        self._scheduler.cancel(request_id)

    def step(self) -> list[Event]:
        """Does one round of work and returns what became of the requests, in order.

        Raises RunnerError once decoding has failed so often that the engine cannot be trusted.
        """
        plan = self._scheduler.plan(self._clock())
        self._drop(plan.dead)
        for admission in plan.admissions:
            self._start(admission)
        for lane in list(self._scheduler.busy_lanes()):
            self._decode(lane)
        self._tell_depths()
        return self._take_events()

    def abort_all(self, error: EngineFailure) -> list[Event]:
        """Fails every request: for an engine that cannot go on. Nobody will read its rows again."""
        rows = self._scheduler.all_rows()
        self._tell_failed(rows, error)
        self._scheduler.remove(rows)
        self._tell_depths()
        return self._take_events()

    def _drop(self, dead: Sequence[Row]) -> None:
        for row in dead:
            stage = self._stage(row)
            self._observer.dropped(cause="cancelled" if row.cancelled else "deadline", stage=stage)
            if not row.cancelled:
                self._events.append(Failed(row.request.id, DeadlineExpired(stage)))
        self._remove(dead)

    def _start(self, admission: Admission) -> None:
        """Encodes a batch. Should that fail, each document is tried alone, so that none can fail
        its company.
        """
        try:
            self._encode(admission)
        except RunnerError as error:
            if len(admission.rows) == 1:
                self._fail(admission.rows, EngineFailure(str(error)))
            else:
                for row in admission.rows:
                    self._start(Admission(admission.lane, (row,)))
            return
        self._scheduler.admit(admission)

    def _encode(self, admission: Admission) -> None:
        lengths = [row.source_length for row in admission.rows]
        started_s = self._clock()
        self._runner.encode(
            EncodeBatch(
                admission.lane,
                first_row=len(self._scheduler.lane(admission.lane)),
                sources=[row.request.source_ids for row in admission.rows],
            )
        )
        ended_s = self._clock()
        for row in admission.rows:
            row.encode_started_s, row.encode_ended_s = started_s, ended_s
        self._observer.encoded(
            documents=len(lengths),
            tokens=sum(lengths),
            padded_tokens=padded_tokens(lengths),
            seconds=ended_s - started_s,
        )

    def _decode(self, lane: int) -> None:
        rows = list(self._scheduler.lane(lane))
        strategies = [row.request.strategy for row in rows]
        started_s = self._clock()
        try:
            outcome = self._runner.decode(
                DecodeBatch(
                    lane,
                    input_tokens=[s.input_token for s in strategies],
                    positions=[s.position for s in strategies],
                    excluded_ids=[s.excluded_ids() for s in strategies],
                )
            )
        except RunnerError as error:
            self._fail(rows, EngineFailure(str(error)))
            self._failed_steps += 1
            if self._failed_steps >= _MOST_FAILED_STEPS:
                raise
            return
        self._failed_steps = 0
        now_s = self._clock()
        self._observer.decoded(rows=len(rows), seconds=now_s - started_s)

        finished = [
            row
            for row, candidates in zip(rows, outcome, strict=True)
            if self._advance(row, candidates, now_s)
        ]
        self._remove(finished)

    def _advance(self, row: Row, candidates: Candidates, now_s: float) -> bool:
        """Lets a row write what the step gave it; True if it is over."""
        if not math.isfinite(candidates.log_probs[0]):
            error = EngineFailure("the model gave no number for this document")
            self._tell_failed([row], error)
            return True
        strategy = row.request.strategy
        num_before = len(strategy.tokens)
        reason = strategy.advance(candidates)
        if row.request.wants_tokens:
            written = strategy.tokens[num_before:]
            self._events += [Written(row.request.id, token) for token in written]
        if reason is not None:
            self._finish(row, reason, now_s)
        return reason is not None

    def _finish(self, row: Row, reason: FinishReason, now_s: float) -> None:
        tokens = row.request.strategy.tokens
        self._observer.finished(reason=reason, summary_tokens=len(tokens))
        self._events.append(
            Finished(
                row.request.id,
                tokens,
                reason,
                queue_s=row.encode_started_s - row.submitted_s,
                encode_s=row.encode_ended_s - row.encode_started_s,
                decode_s=now_s - row.encode_ended_s,
            )
        )

    def _fail(self, rows: Sequence[Row], error: EngineFailure) -> None:
        self._tell_failed(rows, error)
        self._remove(rows)

    def _tell_failed(self, rows: Sequence[Row], error: EngineFailure) -> None:
        for row in rows:
            self._observer.dropped(cause="failed", stage=self._stage(row))
            self._events.append(Failed(row.request.id, error))

    def _tell_depths(self) -> None:
        self._observer.depths(
            waiting=self._scheduler.num_waiting, running=self._scheduler.num_running
        )

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _stage(self, row: Row) -> str:
        return "waiting" if self._scheduler.is_waiting(row) else "running"

    def _remove(self, rows: Sequence[Row]) -> None:
        for move in self._scheduler.remove(rows):
            self._runner.move(move)

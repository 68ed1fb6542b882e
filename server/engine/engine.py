"""step(): plan, encode who starts, decode everyone once, commit, and say what happened."""

import time
from collections.abc import Callable, Sequence

from server.engine.admission import padded_tokens
from server.engine.observer import EngineObserver, SilentObserver
from server.engine.request import EngineRequest, Event, Failed, Finished, Row, Written
from server.engine.runner import DecodeBatch, EncodeBatch, ModelRunner, RunnerError
from server.engine.scheduler import Admission, EngineConfig, Scheduler
from server.errors import DeadlineExpired, EngineFailure
from server.types import FinishReason


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

    @property
    def is_idle(self) -> bool:
        """Whether a step would do nothing."""
        return self._scheduler.is_idle

    @property
    def scheduler(self) -> Scheduler:
        """The books, for looking only."""
        return self._scheduler

    def submit(self, request: EngineRequest) -> None:
        """Takes a request into the queue."""
        self._scheduler.add(request, self._clock())

    def cancel(self, request_id: int) -> None:
        """Lets a request go at the next step, wherever it is; nothing more is said about it."""
        self._scheduler.cancel(request_id)

    def step(self) -> list[Event]:
        """Does one round of work and returns what became of the requests, in order."""
        plan = self._scheduler.plan(self._clock())
        events = self._drop(plan.dead)
        for admission in plan.admissions:
            events += self._start(admission)
        for lane in list(self._scheduler.busy_lanes()):
            events += self._decode(lane)
        self._observer.depths(
            waiting=self._scheduler.num_waiting, running=self._scheduler.num_running
        )
        return events

    def abort_all(self, error: EngineFailure) -> list[Event]:
        """Fails every request: for an engine that cannot go on."""
        return self._fail(self._scheduler.all_rows(), error)

    def _drop(self, dead: Sequence[Row]) -> list[Event]:
        events: list[Event] = []
        for row in dead:
            stage = "waiting" if self._scheduler.is_waiting(row) else "running"
            self._observer.dropped(cause="cancelled" if row.cancelled else "deadline", stage=stage)
            if not row.cancelled:
                events.append(Failed(row.request.id, DeadlineExpired(stage)))
        self._remove(dead)
        return events

    def _start(self, admission: Admission) -> list[Event]:
        """Encodes a batch.

        Should that fail, each is tried alone, so that one document cannot fail its company.
        """
        try:
            self._encode(admission)
        except RunnerError as error:
            if len(admission.rows) == 1:
                return self._fail(admission.rows, EngineFailure(str(error)))
            alone = (Admission(admission.lane, (row,)) for row in admission.rows)
            return [event for one in alone for event in self._start(one)]
        self._scheduler.admit(admission)
        return []

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

    def _decode(self, lane: int) -> list[Event]:
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
            return self._fail(rows, EngineFailure(str(error)))
        now_s = self._clock()
        self._observer.decoded(rows=len(rows), seconds=now_s - started_s)

        events: list[Event] = []
        finished: list[Row] = []
        for row, candidates in zip(rows, outcome, strict=True):
            strategy = row.request.strategy
            num_before = len(strategy.tokens)
            reason = strategy.advance(candidates)
            if row.request.wants_tokens:
                events += [Written(row.request.id, token) for token in strategy.tokens[num_before:]]
            if reason is not None:
                finished.append(row)
                events.append(self._finish(row, reason, now_s))
        self._remove(finished)
        return events

    def _finish(self, row: Row, reason: FinishReason, now_s: float) -> Finished:
        tokens = row.request.strategy.tokens
        self._observer.finished(reason=reason, summary_tokens=len(tokens))
        return Finished(
            row.request.id,
            tokens,
            reason,
            queue_s=row.encode_started_s - row.submitted_s,
            encode_s=row.encode_ended_s - row.encode_started_s,
            decode_s=now_s - row.encode_ended_s,
        )

    def _fail(self, rows: Sequence[Row], error: EngineFailure) -> list[Event]:
        for row in rows:
            stage = "waiting" if self._scheduler.is_waiting(row) else "running"
            self._observer.dropped(cause="failed", stage=stage)
        self._remove(rows)
        return [Failed(row.request.id, error) for row in rows]

    def _remove(self, rows: Sequence[Row]) -> None:
        for move in self._scheduler.remove(rows):
            self._runner.move(move)

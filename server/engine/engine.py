"""step(): plan, encode who starts, decode everyone once, commit, and say what happened."""

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from server.decoding.strategy import Outcome, Proposal, Strategy
from server.engine.ahead import AheadPolicy
from server.engine.draft_plan import best_draft
from server.engine.encoding import EncodingDesk
from server.engine.observer import EngineObserver, SilentObserver
from server.engine.pace import Pace, PaceMeter
from server.engine.request import EngineRequest, Event, Failed, Finished, Row, Stamps, Written
from server.engine.runner import (
    DecodeBatch,
    LaneKey,
    ModelRunner,
    OutOfMemoryRunnerError,
    RunnerError,
)
from server.engine.scheduler import EngineConfig, Scheduler
from server.engine.step_costs import StepCosts
from server.engine.triage import refusals
from server.errors import DeadlineExpired, EngineFailure, OutOfMemory, RequestError

# After so many steps that failed for all of their rows without one that worked, the fault is not in
# a request: whoever watches the process should see it end, rather than a server that takes requests
# only to fail them.
_MOST_FAILED_STEPS = 8
# How often the queue is searched for requests that can no longer finish in time. With thousands of
# requests a search takes a millisecond.
_TRIAGE_INTERVAL_S = 0.05

_log = logging.getLogger(__name__)


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
        self._meter = PaceMeter(clock)
        self._next_triage_s = -math.inf if config.refuses_late else math.inf
        self._desk = EncodingDesk(
            config,
            runner,
            self._scheduler,
            observer=self._observer,
            meter=self._meter,
            clock=clock,
            fail=self._fail,
        )
        self._longest_source = config.lanes[-1]
        self._most_drafted = config.most_drafted
        self._ahead = AheadPolicy()
        # How many tokens the runner drafts for each step that it takes by itself, as last seen.
        self._drafted_ahead = 0
        self._costs: defaultdict[LaneKey, StepCosts] = defaultdict(StepCosts)
        # How long the last round of decoding took: what an encoding may hold up the next one by.
        self._round_s = 0.0
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

    @property
    def pace(self) -> Pace | None:
        """How fast it works, once it has done something; to be read on any thread."""
        return self._meter.pace

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
        self._turn_away(self._clock())
        plan = self._scheduler.plan(self._clock())
        self._drop(plan.dead)
        self._desk.work(plan, self._round_s)
        self._decode_all(plan.paused)
        self._tell_depths()
        return self._take_events()

    def abort_all(self, error: RequestError) -> list[Event]:
        """Fails every request: for an engine that cannot go on. Nobody will read its rows again."""
        rows = self._scheduler.all_rows()
        self._tell_failed(rows, error)
        self._scheduler.remove(rows)
        self._tell_depths()
        return self._take_events()

    def _turn_away(self, now_s: float) -> None:
        """Refuses waiting requests that can no longer finish in time."""
        pace, waiting = self.pace, self._scheduler.waiting(now_s)
        if pace is None or not waiting or now_s < self._next_triage_s:
            return
        self._next_triage_s = now_s + _TRIAGE_INTERVAL_S
        refused = refusals(
            waiting,
            pace,
            now_s,
            running_rows=self._scheduler.num_cache_rows_taken,
            free=self._scheduler.num_free,
        )
        for row, error in refused:
            self._observer.dropped(cause="too_late", stage=row.stage.value)
            self._events.append(Failed(row.request.id, error))
        self._remove([row for row, _ in refused])

    def _drop(self, dead: Sequence[Row]) -> None:
        for row in dead:
            stage = row.stage.value
            self._observer.dropped(cause="cancelled" if row.cancelled else "deadline", stage=stage)
            if not row.cancelled:
                self._events.append(Failed(row.request.id, DeadlineExpired(stage)))
        self._remove(dead)

    def _decode_all(self, paused: Sequence[Row]) -> None:
        """One round: a step, or several on a device, of every lane that has rows to go on."""
        started_s = self._clock()
        lanes = self._scheduler.lanes_to_decode(paused)
        rows = sum(lane.width * len(self._scheduler.lane(lane)) for lane in lanes)
        steps = [self._decode(lane) for lane in lanes]
        self._round_s = self._clock() - started_s
        if steps and all(steps):
            self._meter.stepped(rows=rows, steps=max(steps), seconds=self._round_s)

    def _decode(self, lane: LaneKey) -> int:
        """Takes a lane on, and says by how many steps: 0 if they failed."""
        rows = list(self._scheduler.lane(lane))
        strategies = [row.request.strategy for row in rows]
        batch = self._propose(lane, strategies)
        started_s = self._clock()
        try:
            outcomes = self._runner.decode(batch)
        except RunnerError as error:
            blamed = _blamed(error, rows, batch.proposals)
            self._fail(blamed, error)
            if len(blamed) == len(rows):
                self._failed_steps += 1
            if self._failed_steps >= _MOST_FAILED_STEPS:
                raise
            return 0
        self._failed_steps = 0
        now_s = self._clock()
        steps = 1 + len(outcomes[0].following)
        tokens = max(len(proposal.token_ids) for proposal in batch.proposals)
        if steps > 1:  # those taken ahead are all as wide, and most
            tokens = len(outcomes[0].following[0].token_ids)
            self._drafted_ahead = tokens - 1
        self._costs[lane].observe(len(rows), tokens, (now_s - started_s) / steps)
        self._observer.decoded(rows=len(rows), steps=steps, seconds=now_s - started_s)

        finished = [
            row
            for row, outcome in zip(rows, outcomes, strict=True)
            if self._advance(row, outcome, now_s)
        ]
        self._remove(finished)
        return steps

    def _propose(self, lane: LaneKey, strategies: Sequence[Strategy]) -> DecodeBatch:
        """What to feed, and how far the runner may go on from there by itself.

        Going on saves more than a long draft does. Such a proposal holds no more of a draft than
        the runner's own steps do: it has room for that at no cost, and may have none for more.
        """
        if self._runner.most_steps_ahead and lane.width == 1:
            drafted = min(self._most_drafted, self._drafted_ahead)
            proposals = [strategy.propose(drafted) for strategy in strategies]
            if steps_ahead := self._plan_ahead(proposals):
                return DecodeBatch(lane, proposals, steps_ahead)
        drafted = self._plan_draft(lane, strategies)
        return DecodeBatch(lane, [strategy.propose(drafted) for strategy in strategies])

    def _plan_draft(self, lane: LaneKey, strategies: Sequence[Strategy]) -> int:
        """How many tokens each row may guess ahead: as many as pay at what steps cost here."""
        if lane.width > 1 or not self._most_drafted:
            return 0
        outlooks = [strategy.outlook(self._most_drafted) for strategy in strategies]
        return best_draft(outlooks, self._costs[lane].cost) if any(outlooks) else 0

    def _plan_ahead(self, proposals: Sequence[Proposal]) -> int:
        """How many steps the runner may take by itself: some, if all rows give it leave."""
        tokens_left = [each.ahead.most_tokens for each in proposals if each.ahead is not None]
        if len(tokens_left) < len(proposals):
            return 0
        return self._ahead.steps_ahead(
            self._runner.most_steps_ahead, tokens_left, self._scheduler.num_startable
        )

    def _advance(self, row: Row, outcome: Outcome, now_s: float) -> bool:
        """Lets a row take what the step gave it; True if it is over."""
        if not _is_finite(outcome):
            error = EngineFailure("the model gave no number for this document")
            self._tell_failed([row], error)
            return True
        row.steps += 1
        row.steps_ahead += len(outcome.following)
        strategy = row.request.strategy
        try:
            is_over = strategy.advance(outcome)
        except RequestError as error:  # its options leave it nothing to write
            self._tell_failed([row], error)
            return True
        except Exception as error:  # a fault of ours, yet no other row has a share in it
            _log.exception("the decoding of one summary failed")
            self._tell_failed([row], EngineFailure(f"decoding failed: {error!r}"))
            return True
        if row.request.terms.wants_tokens and len(strategy.written) > row.num_told:
            written = strategy.written[row.num_told :]
            row.num_told += len(written)
            self._events.append(Written(row.request.id, written))
        if is_over:
            self._finish(row, now_s)
        return is_over

    def _finish(self, row: Row, now_s: float) -> None:
        strategy = row.request.strategy
        best = strategy.hypotheses[0]
        steps = row.steps + row.steps_ahead
        self._ahead.learn(row.steps + strategy.drafting.steps_followed)
        self._observer.finished(
            reason=best.reason,
            summary_tokens=len(best.tokens),
            steps=steps,
            steps_wasted=row.steps_ahead - strategy.drafting.steps_followed,
            drafted=strategy.drafting.drafted,
            accepted=strategy.drafting.accepted,
        )
        self._events.append(
            Finished(
                row.request.id,
                strategy.hypotheses,
                steps,
                strategy.drafting,
                Stamps(row.submitted_s, row.encode_started_s, row.encode_ended_s, now_s),
            )
        )

    def _fail(self, rows: Sequence[Row], error: RunnerError) -> None:
        for row in rows:
            self._tell_failed([row], _told(error, row))
        self._remove(rows)

    def _tell_failed(self, rows: Sequence[Row], error: RequestError) -> None:
        for row in rows:
            self._observer.dropped(cause="failed", stage=row.stage.value)
            self._events.append(Failed(row.request.id, error))

    def _tell_depths(self) -> None:
        self._observer.depths(
            waiting=self._scheduler.num_waiting, running=self._scheduler.num_running
        )

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _remove(self, rows: Sequence[Row]) -> None:
        lanes = {self._scheduler.lane_of(row) for row in rows}
        for move in self._scheduler.remove(rows):
            self._runner.move(move)
        for lane in lanes:
            if not self._scheduler.lane(lane):
                self._runner.vacate(lane)


def _is_finite(outcome: Outcome) -> bool:
    log_probs = outcome.log_probs
    if len(log_probs) == 1:
        return math.isfinite(log_probs.item(0, 0))
    return all(map(math.isfinite, log_probs[:, 0].tolist()))


def _blamed(
    error: RunnerError, rows: Sequence[Row], proposals: Sequence[Proposal]
) -> Sequence[Row]:
    """The rows of a failed step that go.

    Of those that there was no memory for, the one with the longest cache: the others try again.
    """
    if not isinstance(error, OutOfMemoryRunnerError):
        return rows
    longest = max(range(len(rows)), key=lambda index: proposals[index].first_slot)
    return [rows[longest]]


def _told(error: RunnerError, row: Row) -> RequestError:
    """What the caller of a row hears when its batch failed."""
    if isinstance(error, OutOfMemoryRunnerError):
        return OutOfMemory(row.source_length)
    return EngineFailure(str(error))

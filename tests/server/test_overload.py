"""Gate and engine together under more than they can do, on a clock of their own.

The machine is scripted: 16 documents that share its steps take some 2 s, so it can do 7 to 8 a
second. Summaries take 10 to 40 steps, and nobody knows beforehand how many.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache

import numpy as np
import pytest

from server.decoding.strategy import DraftCount, Hypothesis, Outcome, Proposal
from server.engine.engine import Engine
from server.engine.pace import Work
from server.engine.request import EngineRequest, Failed, Finished, Terms
from server.engine.runner import DecodeBatch
from server.engine.scheduler import EngineConfig
from server.errors import RequestError
from server.gate import Gate
from server.types import FinishReason
from tests.server.engine.scripted import ScriptedEncoding, ScriptedRunner

ROWS = 16
FEWEST_STEPS, EXPECTED_STEPS, MOST_STEPS = 10, 25, 40
TOKENS = 200
SECONDS = 60.0

Slowness = Callable[[float], float]


class Countdown:
    """Is over after so many steps."""

    width = 1
    written: Sequence[int] = ()
    hypotheses = (Hypothesis((), FinishReason.STOP, 0.0),)
    drafting = DraftCount()

    def __init__(self, steps: int) -> None:
        self._steps_left = steps

    def outlook(self, most: int) -> Sequence[float]:
        return ()

    def propose(self, most_drafted: int) -> Proposal:
        return Proposal((0,), 0, (0,), ((),))

    def advance(self, outcome: Outcome) -> bool:
        self._steps_left -= 1
        return self._steps_left == 0


class Machine(ScriptedRunner):
    """Encodes a document in 0.06 s, and makes steps longer by the rows that share them."""

    _ANSWER = Outcome(np.zeros((1, 1)), np.zeros((1, 1)))

    def __init__(self, slowness: Slowness = lambda now_s: 1.0) -> None:
        super().__init__(slices=6)
        began_s = self.clock.now_s
        self._slowness = lambda: slowness(self.clock.now_s - began_s)

    def begin_encoding(self, sources: Sequence[Sequence[int]]) -> ScriptedEncoding:
        self.slice_s = self._slowness() * 0.01 * len(sources)
        self.encoding = ScriptedEncoding(self, sources)
        return self.encoding

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        rows = len(batch.proposals)
        self.clock.now_s += self._slowness() * (0.01 + 0.002 * rows)
        return [self._ANSWER] * rows

    def admit(self, *_: object) -> None:
        """Keeps no account."""

    def move(self, *_: object) -> None:
        """Keeps no account."""


class Load:
    """Requests that come when they come, through a gate, to an engine."""

    def __init__(self, *, by_time: bool = True, slowness: Slowness = lambda now_s: 1.0) -> None:
        self._machine = Machine(slowness)
        self.clock = self._machine.clock
        config = EngineConfig((TOKENS,), ROWS, 1024, most_drafted=0, refuses_late=by_time)
        self._engine = Engine(config, self._machine, clock=self.clock)
        self.gate = Gate(
            max_documents=10_000,
            max_tokens=10**9,
            max_rows=ROWS,
            pace=lambda: self._engine.pace if by_time else None,
            clock=self.clock,
        )
        self._inside: dict[int, ExitStack] = {}
        self._draws = random.Random(1)  # noqa: S311 - no secret
        self._number = 0
        self._submit(None)  # the warm-up
        while not self._engine.is_idle:
            self._step()
        self.start_s = self.clock.now_s
        self.done_s: list[float] = []
        self.failures: Counter[str] = Counter()

    def run(self, rate: float, deadline_s: float, seconds: float = SECONDS) -> "Load":
        """Poisson arrivals for so long; whoever is inside then is seen to the end."""
        end_s = self.start_s + seconds
        due_s = self.start_s + self._draws.expovariate(rate)
        while due_s < end_s or not self._engine.is_idle:
            while due_s <= self.clock.now_s and due_s < end_s:
                self._submit(due_s + deadline_s)
                due_s += self._draws.expovariate(rate)
            if self._engine.is_idle:
                self.clock.now_s = max(self.clock.now_s, due_s)
            else:
                self._step()
        return self

    def goodput(self, from_s: float, to_s: float) -> float:
        """Documents done a second, between two times after the start."""
        return sum(from_s <= at - self.start_s < to_s for at in self.done_s) / (to_s - from_s)

    @property
    def wasted(self) -> float:
        """Of the documents that were begun, the part that was not done in time."""
        late = self.failures["DeadlineExpired"]
        return late / (late + len(self.done_s))

    def _submit(self, deadline_s: float | None) -> None:
        stack = ExitStack()
        work = Work.of_document(tokens=TOKENS, steps=EXPECTED_STEPS, width=1)
        try:
            stack.enter_context(self.gate.enter(work, deadline_s))
        except RequestError as error:
            self.failures[f"{type(error).__name__} on arrival"] += 1
            return
        self._number += 1
        self._inside[self._number] = stack
        steps = self._draws.randint(FEWEST_STEPS, MOST_STEPS)
        self._engine.submit(
            EngineRequest(
                id=self._number,
                source_ids=[0] * TOKENS,
                strategy=Countdown(steps),
                expected_steps=EXPECTED_STEPS,
                terms=Terms(deadline_s),
            )
        )

    def _step(self) -> None:
        for event in self._engine.step():
            self._inside.pop(event.request_id).close()
            match event:
                case Finished() if self._number > 1:
                    self.done_s.append(self.clock.now_s)
                case Failed(error=error):
                    self.failures[type(error).__name__] += 1


@cache
def peak() -> float:
    """What it does a second while somebody always waits."""
    load = Load(by_time=False)
    return load.run(100, deadline_s=10**6, seconds=5).goodput(5, 30)


@pytest.mark.parametrize("deadline_s", [5.0, 30.0])
@pytest.mark.parametrize("times", [2, 4])
def test_offered_more_than_it_can_do_it_does_what_it_can_and_wastes_nothing(
    times: int, deadline_s: float
) -> None:
    highest = peak()
    load = Load().run(times * highest, deadline_s)
    assert load.goodput(10, SECONDS) > 0.95 * highest
    assert load.wasted < 0.01
    assert load.failures.keys() <= {"Overloaded on arrival", "DeadlineExpired"}


def test_without_the_estimate_it_does_next_to_nothing_in_time() -> None:
    highest = peak()
    load = Load(by_time=False).run(4 * highest, 5.0)
    assert load.goodput(10, SECONDS) < 0.1 * highest


def test_offered_half_of_what_it_can_do_it_refuses_nobody() -> None:
    load = Load().run(0.5 * peak(), 5.0)
    assert not load.failures


@pytest.mark.parametrize("deadline_s", [5.0, 30.0])
def test_a_machine_that_becomes_four_times_slower_for_a_while_goes_on_answering(
    deadline_s: float,
) -> None:
    highest = peak()
    load = Load(slowness=lambda now_s: 4.0 if 20 <= now_s < 40 else 1.0)
    load.run(2 * highest, deadline_s)
    assert load.goodput(10, 20) > 0.9 * highest
    # With little time only few may keep company, and company is what makes it fast.
    assert load.goodput(25, 40) > (0.08 if deadline_s < 10 else 0.2) * highest
    assert load.goodput(48, SECONDS) > 0.9 * highest
    assert load.wasted < 0.1


def test_whoever_was_let_in_has_left_in_the_end() -> None:
    load = Load().run(4 * peak(), 5.0, seconds=20)
    assert load.gate.documents == 0
    assert load.gate.backlog_s == 0

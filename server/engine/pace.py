"""How long documents take on this machine, learnt from what it has just done.

    encoding    seconds a token of the source
    decoding    seconds a step, which grow with the rows that share it: start + rows x row

A document costs its tokens and, at each of its steps, its share of the step. So the same document
costs less in company, although it takes longer (docs/adr/0014-estimated-seconds.md).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from server.engine.step_costs import StepCosts

# What encoding a document costs beyond its tokens, in tokens.
_TOKENS_OF_ANY_DOCUMENT = 16
# After so many documents, or steps, what was measured before weighs a third of what it did.
_MEMORY_DOCUMENTS = 4.0
_MEMORY_STEPS = 32.0
# An older measurement also loses half its weight for each so many seconds in which nothing ran.
_IDLE_HALF_LIFE_S = 5.0
_LEAST_KEPT = 1e-3
# One stall must not pass for the machine's speed: what took longer than so many times what was
# expected counts as this much.
_MOST_SURPRISE = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What documents ask of the machine. The sum of several is the work of all."""

    documents: int = 0
    tokens: int = 0
    # Cache rows that they hold, and decoder steps counted for each of those rows.
    rows: int = 0
    row_steps: int = 0

    @classmethod
    def of_document(cls, *, tokens: int, steps: int, width: int) -> "Work":
        """The work of one document, whose summary is expected after so many steps."""
        return cls(
            documents=1,
            tokens=tokens + _TOKENS_OF_ANY_DOCUMENT,
            rows=width,
            row_steps=steps * width,
        )

    def __add__(self, other: "Work") -> "Work":
        return Work(
            documents=self.documents + other.documents,
            tokens=self.tokens + other.tokens,
            rows=self.rows + other.rows,
            row_steps=self.row_steps + other.row_steps,
        )

    def __sub__(self, other: "Work") -> "Work":
        return Work(
            documents=self.documents - other.documents,
            tokens=self.tokens - other.tokens,
            rows=self.rows - other.rows,
            row_steps=self.row_steps - other.row_steps,
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """The machine's speed as last measured. It never changes, so any thread may read it."""

    token_s: float
    step_start_s: float
    step_row_s: float
    # When, on the monotonic clock.
    measured_s: float = 0.0

    def step_s(self, rows: float) -> float:
        """Seconds of a decoder step over so many rows."""
        return self.step_start_s + rows * self.step_row_s

    def work_s(self, work: Work, *, company: float) -> float:
        """Seconds of the machine that some work takes while so many rows run together."""
        return work.tokens * self.token_s + work.row_steps * self.step_s(company) / company

    def service_s(self, one: Work, *, company: float) -> float:
        """Seconds from the start of one document's encoding to its end, in this company."""
        steps = one.row_steps / one.rows
        return one.tokens * self.token_s + steps * self.step_s(max(company, one.rows))

    def idle_s(self, one: Work) -> float:
        """Seconds that one document takes when nobody else is there."""
        return self.service_s(one, company=one.rows)

    def backlog_s(self, work: Work, *, max_rows: int) -> float:
        """Seconds until all of some work is done."""
        if not work.documents:
            return 0.0
        company = min(work.documents, max_rows) * work.rows / work.documents
        return self.work_s(work, company=company)

    def finish_s(self, one: Work, ahead: Work, *, max_rows: int) -> float:
        """Seconds until a document that arrives now is done, behind all this work.

        Everyone inside counts in full, however far they are: where the queue is long, those who
        come later and share the steps take as long as those who run have done already. A document
        that is longer than the others keeps the company of those who come later to its end.
        """
        if not ahead.documents:
            return self.idle_s(one)
        beside = min(ahead.documents, max_rows - 1) * ahead.rows / ahead.documents
        company = one.rows + beside
        in_turn_s = self.work_s(ahead + one, company=company)
        # Between its steps it waits for the encoding of those who take the others' places.
        tokens_between = beside * ahead.tokens / max(1, ahead.row_steps)
        steps = one.row_steps / one.rows
        lasting_s = self.service_s(one, company=company) + steps * tokens_between * self.token_s
        return max(in_turn_s, lasting_s)


class PaceMeter:
    """Follows the machine's speed. Told on one thread; `pace` may be read on any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_s = clock()
        self._encoding = _Rate(_MEMORY_DOCUMENTS)
        # The fit knows how steps grow with their rows and is slow to change; the factor beside it
        # is how much longer they take just now.
        self._steps = StepCosts()
        self._slowness = _Rate(_MEMORY_STEPS)
        self.pace: Pace | None = None
        """None until a document has been encoded and a step been taken."""

    def encoded(self, *, documents: int, tokens: int, seconds: float) -> None:
        """A batch went through the encoder."""
        self._forget_while_idle(seconds)
        whole = tokens + documents * _TOKENS_OF_ANY_DOCUMENT
        self._encoding.add(seconds, whole, weight=documents)
        self._publish()

    def stepped(self, *, rows: int, steps: int, seconds: float) -> None:
        """So many decoder steps over so many rows took so long."""
        self._forget_while_idle(seconds)
        each_s = seconds / steps
        self._steps.observe(rows, 1, each_s)
        self._slowness.add(each_s, self._steps.cost(rows, 1), weight=steps)
        self._publish()

    def _forget_while_idle(self, seconds: float) -> None:
        now_s = self._clock()
        idle_s = max(0.0, now_s - seconds - self._told_s)
        self._told_s = now_s
        kept = max(_LEAST_KEPT, 0.5 ** (idle_s / _IDLE_HALF_LIFE_S))
        self._encoding.fade(kept)
        self._slowness.fade(kept)

    def _publish(self) -> None:
        token_s, slowness = self._encoding.value, self._slowness.value
        if token_s is None or slowness is None:
            return
        row_s = self._steps.cost(2, 1) - self._steps.cost(1, 1)
        start_s = self._steps.cost(1, 1) - row_s
        self.pace = Pace(token_s, slowness * start_s, slowness * row_s, self._told_s)


class _Rate:
    """Seconds for each unit, the newest with the most weight."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._seconds = self._units = 0.0

    @property
    def value(self) -> float | None:
        """The rate, if anything was seen."""
        return self._seconds / self._units if self._units > 0 else None

    def add(self, seconds: float, units: float, *, weight: float) -> None:
        """Takes how long so many units took; `weight` is what the memory is counted in."""
        if seconds <= 0 or units <= 0:
            return  # the clock was too coarse to tell
        if (known := self.value) is not None:
            seconds = min(seconds, _MOST_SURPRISE * known * units)
        # Each observation is brought to the same size, whatever a unit is.
        self.fade((1 - 1 / self._memory) ** weight)
        self._seconds += weight * seconds / units
        self._units += weight

    def fade(self, kept: float) -> None:
        """Lets the past weigh less; the rate stays."""
        self._seconds *= kept
        self._units *= kept

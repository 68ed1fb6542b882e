"""How much the server takes on at once: documents, tokens and seconds, whatever calls they came by.

Seconds are estimated from the measured speed of the machine (server/engine/pace.py). A document
that cannot finish in time is refused on arrival: it has cost nothing and may still go elsewhere.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from server.engine.pace import Pace, Work
from server.errors import DeadlineTooShort, Overloaded, RequestError

_SHORTEST_RETRY_S, _LONGEST_RETRY_S = 0.1, 30.0
# Safety factor on the time that other documents add. A document that is admitted and finishes late
# costs as much as one that finishes in time, and helps nobody.
_CAUTION = 1.5


class GateObserver(Protocol):
    """Receives figures on the event loop: must be quick and must not raise."""

    def refused(self, *, cause: str) -> None:
        """A document was refused. `cause` is the limit: documents, tokens, seconds or deadline."""


class SilentGateObserver:
    """Listens to nothing."""

    def refused(self, *, cause: str) -> None:
        """Ignores it."""


@dataclass(slots=True, eq=False)
class Place:
    """A document that was let in."""

    # The work that was inside before it, and its own as long as that is a guess.
    ahead: Work
    guess: Work | None


class Gate:
    """Counts what is inside. Full means refused at once, with an estimate of when to come back.

    `pace` tells how fast the machine is, or None before that is known. `max_queue_s` bounds what a
    document may have to wait for others, 0 is no bound; it does not hold while no more than
    `patient_documents` are inside.
    """

    def __init__(
        self,
        *,
        max_documents: int,
        max_tokens: int,
        max_queue_s: float = 0.0,
        patient_documents: int = 0,
        max_rows: int = 1,
        pace: Callable[[], Pace | None] = lambda: None,
        observer: GateObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_documents, self._max_tokens = max_documents, max_tokens
        self._max_queue_s, self._patient_documents = max_queue_s, patient_documents
        self._max_rows = max_rows
        self.pace = pace
        self._observer = observer or SilentGateObserver()
        self._clock = clock
        self._documents = self._tokens = 0
        self._work = Work()

    @property
    def documents(self) -> int:
        """Documents inside, waiting or running."""
        return self._documents

    @property
    def tokens(self) -> int:
        """Source tokens of the documents inside."""
        return self._tokens

    @property
    def backlog_s(self) -> float:
        """Estimated seconds of work inside; 0 before the machine's speed is known."""
        pace = self.pace()
        return pace.backlog_s(self._work, max_rows=self._max_rows) if pace else 0.0

    @contextmanager
    def enter(self, guess: Work | None, deadline_s: float | None) -> Iterator[Place]:
        """Takes a document in until the block ends.

        Raises Overloaded or DeadlineTooShort if it could not be done in time. `guess` is None for
        one that waits for the computation of another: it counts as a document and asks no work.
        """
        if self._documents >= self._max_documents:
            problem = f"{self._documents} documents are in work, the limit is {self._max_documents}"
            raise self._refused(self._overloaded(problem, "documents"), "documents")
        if guess is not None:
            self._check_time(guess, self._work, deadline_s, caution=_CAUTION)
        place = Place(self._work, guess)
        self._documents += 1
        self._work += guess or Work()
        try:
            yield place
        finally:
            self._documents -= 1
            self._drop_guess(place)

    @contextmanager
    def carry(
        self,
        place: Place,
        work: Work,
        tokens: int,
        deadline_s: float | None,
        *,
        held: Work | None = None,
    ) -> Iterator[None]:
        """Counts one computation until the block ends, however many wait for it.

        By now its tokens are known, and its work takes the place of the guess. Raises Overloaded if
        they are too many (one document alone always fits), or if it cannot be done in time. `held`
        is what others may have to wait for, if that is less than all of the work.
        """
        held = work if held is None else held
        self._drop_guess(place)
        if self._tokens and self._tokens + tokens > self._max_tokens:
            problem = (
                f"{self._tokens} source tokens are in work and this document has {tokens}, "
                f"the limit is {self._max_tokens}"
            )
            raise self._refused(self._overloaded(problem, "tokens"), "tokens")
        # Without caution: it was let in with it, and a little time has passed since.
        self._check_time(work, place.ahead, deadline_s, caution=1.0)
        self._tokens += tokens
        self._work += held
        try:
            yield
        finally:
            self._tokens -= tokens
            self._work -= held

    def _drop_guess(self, place: Place) -> None:
        if place.guess is not None:
            self._work -= place.guess
            place.guess = None

    def _check_time(
        self, own: Work, ahead: Work, deadline_s: float | None, *, caution: float
    ) -> None:
        pace = self.pace()
        if pace is None:
            return
        idle_s = pace.idle_s(own)
        others_s = pace.finish_s(own, ahead, max_rows=self._max_rows) - idle_s
        if deadline_s is not None:
            remaining_s = deadline_s - self._clock()
            if idle_s > remaining_s:
                error = DeadlineTooShort(estimate_s=idle_s, remaining_s=remaining_s)
                raise self._refused(error, "deadline")
            if (excess_s := idle_s + caution * others_s - remaining_s) > 0:
                problem = (
                    f"the queue is too long: this document would be done in about "
                    f"{idle_s + others_s:.3g} s, too close to its deadline in {remaining_s:.3g} s"
                )
                # The queue shrinks by a second a second, but the time that is left does so too.
                retry_s = min(others_s, excess_s / (_CAUTION - 1))
                raise self._refused(self._overloaded(problem, "seconds", retry_s), "seconds")
        excess_s = others_s - self._max_queue_s
        if self._max_queue_s and excess_s > 0 and ahead.documents > self._patient_documents:
            problem = (
                f"the queue is too long: this document would wait about {others_s:.3g} s for "
                f"others, the limit is {self._max_queue_s:g} s"
            )
            raise self._refused(self._overloaded(problem, "seconds", excess_s), "seconds")

    def _overloaded(self, problem: str, quota: str, retry_s: float | None = None) -> Overloaded:
        """Where nothing is said of when to come back, half of what is inside should have left."""
        if retry_s is None:
            retry_s = self.backlog_s / 2
        retry_s = min(max(retry_s, _SHORTEST_RETRY_S), _LONGEST_RETRY_S)
        return Overloaded(problem, quota=quota, retry_after_s=retry_s)

    def _refused(self, error: RequestError, cause: str) -> RequestError:
        self._observer.refused(cause=cause)
        return error

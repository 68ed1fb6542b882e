"""One computation under way, and those who wait for it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from server.errors import DeadlineExpired, EngineFailure
from server.sharing.answer import Landing


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that waits for a computation."""

    # On time.monotonic()'s clock; None waits for ever.
    deadline_s: float | None
    wants_deltas: bool
    # Whether it came to a computation that another request had begun.
    has_joined: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_late(self) -> bool:
        """Whether its deadline has passed."""
        return self.deadline_s is not None and time.monotonic() >= self.deadline_s


class Flight:
    """Goes on as long as anyone waits for it, whoever began it.

    Its terms are those of the most demanding: the latest deadline, and text as it is written if
    anyone wants that. They change as waiters come and go.
    """

    def __init__(
        self,
        work: "Work",
        *,
        on_over: Callable[["Flight"], None],
    ) -> None:
        self.text = ""
        self.num_tokens = 0
        self._waiters: set[Waiter] = set()
        self._stage = "tokenised"
        self._tell_terms: Callable[[float | None, bool], None] | None = None
        self._on_over = on_over
        self._task = asyncio.create_task(work(self))
        self._task.add_done_callback(self._ended)

    @property
    def deadline_s(self) -> float | None:
        """The latest deadline of those who wait."""
        deadlines_s = [waiter.deadline_s for waiter in self._waiters]
        known_s = [deadline_s for deadline_s in deadlines_s if deadline_s is not None]
        return max(known_s) if known_s and len(known_s) == len(deadlines_s) else None

    @property
    def wants_deltas(self) -> bool:
        """Whether anyone wants text before all of it is there."""
        return any(waiter.wants_deltas for waiter in self._waiters)

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome."""
        return self._task.done()

    def outcome(self) -> Landing:
        """What it ended with, for each who waited; raises what it failed with."""
        if self._task.cancelled():
            raise EngineFailure("the server stopped before the summary was complete")
        if (error := self._task.exception()) is not None:
            # Each waiter raises the same object: it must not gather all their tracebacks.
            raise error.with_traceback(None)
        return self._task.result()

    def write(self, text: str, num_tokens: int) -> None:
        """Told by the work: what may be shown so far."""
        if text != self.text:
            self.text, self.num_tokens = text, num_tokens
            self._wake(waiter for waiter in self._waiters if waiter.wants_deltas)

    def hand_terms_to(self, tell: Callable[[float | None, bool], None]) -> None:
        """Told by the work: who keeps the deadline from now on, and hears of every change."""
        self._stage = "in work"
        self._tell_terms = tell
        self._wake(self._waiters)  # one of them need not watch the clock any more

    @contextmanager
    def waited_for_by(self, waiter: Waiter) -> Iterator[None]:
        """Counts a waiter in. Once the last one leaves, the computation ends."""
        self._waiters.add(waiter)
        self._terms_changed()
        try:
            yield
        finally:
            self._waiters.remove(waiter)
            self._terms_changed()

    async def until_news(self, waiter: Waiter) -> None:
        """Waits for more text or the end; raises DeadlineExpired if that takes too long."""
        if waiter.deadline_s is None or self._keeps_deadline_of(waiter):
            await waiter.news.wait()
            return
        try:
            async with asyncio.timeout(waiter.deadline_s - time.monotonic()):
                await waiter.news.wait()
        except TimeoutError:
            raise DeadlineExpired(self._stage) from None

    def _keeps_deadline_of(self, waiter: Waiter) -> bool:
        """Who waits longest is told by the engine, which frees the row and knows the stage."""
        return self._tell_terms is not None and waiter.deadline_s == self.deadline_s

    def cancel(self) -> None:
        """Ends it at once."""
        self._task.cancel()

    def _terms_changed(self) -> None:
        if self.is_over:
            return
        if not self._waiters:
            self.cancel()
            self._on_over(self)
            return
        if self._tell_terms is not None:
            self._tell_terms(self.deadline_s, self.wants_deltas)
        # Whoever was the last to lose patience may be so no longer, or has become it.
        self._wake(self._waiters)

    def _ended(self, task: "asyncio.Task[Landing]") -> None:
        if not task.cancelled():
            task.exception()  # looked at, even if nobody waits any more
        self._on_over(self)
        self._wake(self._waiters)

    @staticmethod
    def _wake(waiters: Iterable[Waiter]) -> None:
        for waiter in waiters:
            waiter.news.set()


Work = Callable[[Flight], Coroutine[Any, Any, Landing]]
"""Computes an answer, and tells its flight of what it has written on the way."""

"""Identical requests share one run.

Nobody but those who wait moves a run on: the first of them does, and the others hear of it. If
that one leaves, the next takes over.
"""

import asyncio
import time
from collections.abc import Callable

from server.errors import DeadlineExpired
from server.jobs.following import Following
from server.jobs.job import Job, JobKey
from server.jobs.run import JobRun
from server.sharing.observer import SharingObserver, SilentSharingObserver


class SharedRun:
    """A run and those who wait for it.

    Its terms are those of the most demanding: the latest deadline, and text as it is written if
    anyone wants that.
    """

    def __init__(self, run: JobRun, on_empty: Callable[["SharedRun"], None]) -> None:
        self.run = run
        self._on_empty = on_empty
        self._waiters: list[SharedFollowing] = []
        self._driver: SharedFollowing | None = None

    def join(self, waiter: "SharedFollowing") -> None:
        """Counts a waiter in."""
        self._waiters.append(waiter)
        self._set_terms()

    def leave(self, waiter: "SharedFollowing") -> None:
        """Counts a waiter out. Once the last one has left, the run ends."""
        self._waiters.remove(waiter)
        if self._waiters:
            self._set_terms()
            self._wake()
        else:
            self.run.close()
            self._on_empty(self)

    async def wait(self, waiter: "SharedFollowing") -> None:
        """Waits for news of the run; raises DeadlineExpired at the waiter's own deadline."""
        try:
            async with asyncio.timeout(None) as waiter.timeout:
                self._set_timeout(waiter)
                if self._driver is None:
                    await self._drive(waiter)
                else:
                    waiter.news_came.clear()
                    await waiter.news_came.wait()
        except TimeoutError:
            raise DeadlineExpired(self.run.stage) from None
        finally:
            waiter.timeout = None

    async def _drive(self, waiter: "SharedFollowing") -> None:
        was_in_engine = self.run.is_in_engine
        self._driver = waiter
        try:
            await self.run.advance()
        finally:
            self._driver = None
            if self.run.is_in_engine != was_in_engine:
                self._set_terms()
            self._wake(waiter)

    def _wake(self, driver: "SharedFollowing | None" = None) -> None:
        """Tells those who want to know, and one more: it drives on if the driver does not."""
        others = (waiter for waiter in self._waiters if waiter is not driver)
        for number, waiter in enumerate(others):
            if number == 0 or waiter.wants_deltas or self.run.is_over:
                waiter.news_came.set()

    def _set_terms(self) -> None:
        deadlines_s = [waiter.deadline_s for waiter in self._waiters]
        known_s = [deadline_s for deadline_s in deadlines_s if deadline_s is not None]
        is_endless = len(known_s) < len(deadlines_s)
        self.run.terms.deadline_s = None if is_endless else max(known_s)
        self.run.terms.wants_tokens = any(waiter.wants_deltas for waiter in self._waiters)
        for waiter in self._waiters:
            self._set_timeout(waiter)

    def _set_timeout(self, waiter: "SharedFollowing") -> None:
        """The engine tells who waits longest: it frees the row and knows the stage."""
        timeout, deadline_s = waiter.timeout, waiter.deadline_s
        if timeout is None or timeout.expired() or deadline_s is None:
            return
        engine_watches = self.run.is_in_engine and deadline_s == self.run.terms.deadline_s
        # The loop's clock may begin elsewhere than ours.
        due_s = asyncio.get_running_loop().time() + deadline_s - time.monotonic()
        timeout.reschedule(None if engine_watches else due_s)


class SingleFlight:
    """Knows the runs under way by what they compute."""

    def __init__(self, observer: SharingObserver | None = None) -> None:
        self._observer = observer or SilentSharingObserver()
        self._runs: dict[JobKey, SharedRun] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def is_under_way(self, key: JobKey) -> bool:
        """Whether a request of this key would join a run."""
        shared = self._runs.get(key)
        return shared is not None and not shared.run.is_over

    def follow(self, job: Job, key: JobKey, begin: Callable[[], JobRun]) -> "SharedFollowing":
        """Joins the run that goes by the key, or begins one."""
        if has_joined := self.is_under_way(key):
            self._observer.flight_joined()
        else:
            self._runs[key] = SharedRun(begin(), on_empty=lambda shared: self._forget(key, shared))
        return SharedFollowing(self._runs[key], job, has_joined=has_joined)

    def _forget(self, key: JobKey, shared: SharedRun) -> None:
        """One that is over may have been replaced already."""
        if self._runs.get(key) is shared:
            del self._runs[key]


class SharedFollowing(Following):
    """A request's part in a run that identical requests may join."""

    def __init__(self, shared: SharedRun, job: Job, *, has_joined: bool) -> None:
        super().__init__(shared.run, job)
        self.has_joined = has_joined
        self.deadline_s, self.wants_deltas = job.request.deadline_s, job.request.wants_deltas
        self.news_came = asyncio.Event()
        # While it waits: ends that at its deadline, unless the engine watches the same deadline.
        self.timeout: asyncio.Timeout | None = None
        self._shared = shared
        shared.join(self)

    async def wait(self) -> None:
        """Waits for news of the run."""
        await self._shared.wait(self)

    def leave(self) -> None:
        """Ends the run if nobody else follows it."""
        self._shared.leave(self)

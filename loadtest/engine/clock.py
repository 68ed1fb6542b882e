"""The run's clock, and an event loop that wakes in time."""

import asyncio
import selectors
import time


class Clock:
    """Seconds since the beginning of the run."""

    def __init__(self) -> None:
        self._origin = time.perf_counter()

    def set(self, now_s: float) -> None:
        """Makes it agree with the clocks of the other generators."""
        self._origin = time.perf_counter() - now_s

    def now(self) -> float:
        """Reads it."""
        return time.perf_counter() - self._origin

    async def sleep_until(self, due_s: float) -> None:
        """Lets others work until then, and at least once."""
        await asyncio.sleep(max(0.0, due_s - self.now()))


def make_loop() -> asyncio.AbstractEventLoop:
    """Makes an event loop whose sleeps end within a tenth of a millisecond.

    Linux's epoll, the usual choice, counts in whole milliseconds and so wakes up to one late.
    """
    return asyncio.SelectorEventLoop(selectors.SelectSelector())

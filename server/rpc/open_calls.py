"""The calls being answered: counted, waited for when the server drains, ended when time is up."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from server.errors import Draining


class OpenCalls:
    """Admits calls until close(); those inside then may finish. Lives on one event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._evicted: set[asyncio.Task[object]] = set()
        self._on_close: set[Callable[[], object]] = set()
        self._is_closed = False
        self._num_refused = 0
        self._none_open = asyncio.Event()
        self._none_open.set()

    def __len__(self) -> int:
        return len(self._tasks)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Holds the running task's call; raises Draining if it comes too late or is evicted."""
        if self._is_closed:
            self._num_refused += 1
            raise Draining
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call must run in a task")
        self._tasks.add(task)
        self._none_open.clear()
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._evicted:
                raise
            task.uncancel()
            raise Draining from None
        finally:
            self._evicted.discard(task)
            self._tasks.discard(task)
            if not self._tasks:
                self._none_open.set()

    @contextmanager
    def calling_on_close(self, callback: Callable[[], object]) -> Iterator[None]:
        """Has something called at close(), or now if that is past."""
        if self._is_closed:
            callback()
        self._on_close.add(callback)
        try:
            yield
        finally:
            self._on_close.discard(callback)

    def close(self) -> None:
        """Admits nobody from now on."""
        self._is_closed = True
        for callback in list(self._on_close):
            callback()

    async def wait_until_none(self, timeout_s: float) -> bool:
        """Waits for the open calls to end; False if some did not in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._none_open.wait()
        except TimeoutError:
            return False
        return True

    async def wait_until_nobody_comes(self, quiet_s: float, limit_s: float) -> None:
        """After close(): waits until nobody has come for so long, but not for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                refused = -1
                while refused != self._num_refused:
                    refused = self._num_refused
                    await asyncio.sleep(quiet_s)

    def evict(self) -> None:
        """Ends every open call with Draining."""
        for task in self._tasks - self._evicted:
            self._evicted.add(task)
            task.cancel()

"""A clock that jumps from one thing due to the next, so that no test waits."""

import asyncio
import heapq
import itertools
from collections.abc import Coroutine
from typing import Any, TypeVar

from loadtest.engine.clock import Clock

T = TypeVar("T")

_TURNS = 30
"""Turns of the event loop in which everything that can go on has gone on."""


class FakeClock(Clock):
    """Time passes only in `run`, and only when nothing else can happen."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep_until(self, due_s: float) -> None:
        if due_s <= self._now:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due_s, next(self._order), future))
        await future

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self._now + seconds)

    def spend(self, seconds: float) -> None:
        """Passes time without letting anybody else work, as a busy process does."""
        self._now += seconds

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        while not task.done():
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if not task.done() and self._sleepers:
                due_s, _, future = heapq.heappop(self._sleepers)
                self._now = max(self._now, due_s)
                if not future.done():
                    future.set_result(None)
        return task.result()

"""Dynamic batching: what waits when an engine is free is computed together.

The usual rule of servers that batch whole requests: a batch begins when it is full, or when its
oldest request has waited long enough, and nobody joins it afterwards.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class BatchLimits:
    """How far to collect before computing, and how many may wait."""

    max_batch: int
    # From the moment that an engine turns to the oldest; 0 takes what is there.
    max_delay_s: float
    max_waiting: int


class QueueFull(Exception):
    """As many requests wait as may."""


@dataclass(frozen=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    result: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Collects items and computes them in threads, each `work` one batch at a time."""

    def __init__(
        self, compute: Callable[[Sequence[Item]], Sequence[Result]], limits: BatchLimits
    ) -> None:
        self._compute = compute
        self._limits = limits
        self._queue: asyncio.Queue[_Waiting[Item, Result]] = asyncio.Queue(limits.max_waiting)

    async def submit(self, item: Item) -> Result:
        """Waits for an item's turn and its result; QueueFull if too many wait already."""
        waiting = _Waiting[Item, Result](item, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise QueueFull(f"{self._limits.max_waiting} requests wait already") from None
        return await waiting.result

    async def work(self) -> None:
        """Computes batch after batch until it is cancelled."""
        while True:
            # Whose caller has gone is not computed.
            batch = [one for one in await self._collect() if not one.result.done()]
            if batch:
                await self._answer(batch)

    async def _collect(self) -> list[_Waiting[Item, Result]]:
        batch = [await self._queue.get()]
        try:
            async with asyncio.timeout(self._limits.max_delay_s):
                while len(batch) < self._limits.max_batch:
                    batch.append(await self._queue.get())
        except TimeoutError:
            pass
        return batch

    async def _answer(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await asyncio.to_thread(self._compute, [one.item for one in batch])
        except Exception as error:
            for one in batch:
                if not one.result.done():
                    one.result.set_exception(error)
            return
        for one, result in zip(batch, results, strict=True):
            if not one.result.done():
                one.result.set_result(result)

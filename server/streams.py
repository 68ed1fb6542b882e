"""The event loop's side of the engine: one queue of events for each job."""

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from server.decoding.strategy import Strategy
from server.engine.request import EngineRequest, Event, Failed, Terms
from server.errors import RequestError


class Engine(Protocol):
    """What is asked of the engine's thread."""

    def submit(self, request: EngineRequest) -> None:
        """Hands a request over."""

    def cancel(self, request_id: int) -> None:
        """Frees what a request holds."""


class EngineStreams:
    """Connects jobs on the event loop with the engine's thread, one hop each way."""

    def __init__(self) -> None:
        self._ids = itertools.count()
        self._queues: dict[int, asyncio.Queue[Event]] = {}
        self._engine: Engine | None = None

    def __len__(self) -> int:
        return len(self._queues)

    def connect(self, engine: Engine) -> None:
        """Says where requests go; once, before the first of them."""
        self._engine = engine

    def deliver_to(self, loop: asyncio.AbstractEventLoop) -> Callable[[list[Event]], None]:
        """What the engine's thread calls: wakes the event loop once for all events of a step."""
        return lambda events: _call_unless_closed(loop, self._dispatch, events)

    def open(self, terms: Terms) -> "EngineStream":
        """Opens a stream for the requests of one job, which all have the same terms."""
        assert self._engine is not None, "connect() comes first"
        return EngineStream(self._engine, terms, self._ids, self._queues)

    def _dispatch(self, events: list[Event]) -> None:
        for event in events:
            queue = self._queues.get(event.request_id)
            if queue is not None:  # the job has not closed its stream
                queue.put_nowait(event)


class EngineStream:
    """The requests of one job, and one queue for their events."""

    def __init__(
        self,
        engine: Engine,
        terms: Terms,
        ids: "itertools.count[int]",
        queues: dict[int, asyncio.Queue[Event]],
    ) -> None:
        self._engine, self._terms, self._ids, self._queues = engine, terms, ids, queues
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._open: list[int] = []

    def submit(
        self,
        source_ids: list[int],
        strategy: Strategy,
        *,
        expected_steps: int = 1,
        yields: bool = False,
    ) -> int:
        """Hands a request over to the engine, and returns the id that its events have."""
        request_id = next(self._ids)
        self._queues[request_id] = self._events
        self._open.append(request_id)
        self._engine.submit(
            EngineRequest(
                id=request_id,
                source_ids=source_ids,
                strategy=strategy,
                expected_steps=expected_steps,
                terms=self._terms,
                submitted_s=time.monotonic(),
                yields=yields,
            )
        )
        return request_id

    async def next(self) -> Event:
        """Waits for the next event. May be cancelled without losing one."""
        return await self._events.get()

    def interrupt(self, error: RequestError) -> None:
        """Gives a task that waits in next() an event to return with."""
        self._events.put_nowait(Failed(self._open[0], error))

    def close(self) -> None:
        """Cancels all requests; one that is over already is left alone."""
        for request_id in self._open:
            self._engine.cancel(request_id)
            del self._queues[request_id]
        self._open.clear()


def _call_unless_closed(
    loop: asyncio.AbstractEventLoop, call: Callable[[list[Event]], None], events: list[Event]
) -> None:
    """A server that is gone has nobody left to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, events)

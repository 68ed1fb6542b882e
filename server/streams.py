"""The event loop's side of the engine: one queue of events for each request in flight."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from server.decoding.strategy import Strategy
from server.engine.request import EngineRequest, Event, Failed, Finished


class Engine(Protocol):
    """What is asked of the engine's thread."""

    def submit(self, request: EngineRequest) -> None:
        """Hands a request over."""

    def cancel(self, request_id: int) -> None:
        """Frees what a request holds."""


class EngineStreams:
    """Connects requests on the event loop with the engine's thread, one hop each way."""

    def __init__(self) -> None:
        self._ids = itertools.count()
        self._queues: dict[int, asyncio.Queue[Event]] = {}
        self._engine: Engine | None = None

    @property
    def num_open(self) -> int:
        """Requests that somebody waits for."""
        return len(self._queues)

    def connect(self, engine: Engine) -> None:
        """Says where requests go; once, before the first of them."""
        self._engine = engine

    def deliver_to(self, loop: asyncio.AbstractEventLoop) -> Callable[[list[Event]], None]:
        """What the engine's thread calls: wakes the event loop once for all events of a step."""
        return lambda events: _call_unless_closed(loop, self._dispatch, events)

    @asynccontextmanager
    async def open(
        self,
        *,
        source_ids: list[int],
        strategy: Strategy,
        expected_steps: int = 1,
        deadline_s: float | None,
        wants_tokens: bool,
    ) -> AsyncIterator["RequestStream"]:
        """Submits a request; leaving the block early, for whatever reason, cancels it."""
        assert self._engine is not None, "connect() comes first"
        request_id = next(self._ids)
        events: asyncio.Queue[Event] = asyncio.Queue()
        self._queues[request_id] = events
        request = EngineRequest(
            id=request_id,
            source_ids=source_ids,
            strategy=strategy,
            expected_steps=expected_steps,
            deadline_s=deadline_s,
            wants_tokens=wants_tokens,
        )
        try:
            self._engine.submit(request)
            yield RequestStream(request, events)
        finally:
            # Cancelling what is over already does nothing.
            self._engine.cancel(request_id)
            del self._queues[request_id]

    def _dispatch(self, events: list[Event]) -> None:
        for event in events:
            queue = self._queues.get(event.request_id)
            if queue is not None:  # nobody waits for what was left early
                queue.put_nowait(event)


class RequestStream:
    """Events of one request; ends after the one that says how it ended."""

    def __init__(self, request: EngineRequest, queue: asyncio.Queue[Event]) -> None:
        self._request = request
        self._queue = queue
        self._is_over = False

    def change_terms(self, deadline_s: float | None, wants_tokens: bool) -> None:
        """Moves the deadline, and says whether tokens are wanted; the next step goes by it."""
        self._request.deadline_s = deadline_s
        self._request.wants_tokens = wants_tokens

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._is_over:
            raise StopAsyncIteration
        event = await self._queue.get()
        self._is_over = isinstance(event, Finished | Failed)
        return event


def _call_unless_closed(
    loop: asyncio.AbstractEventLoop, call: Callable[[list[Event]], None], events: list[Event]
) -> None:
    """A server that is gone has nobody left to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, events)

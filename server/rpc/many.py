"""A stream of requests over one call, which are worked on side by side."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import grpc
from google.protobuf.message import Message

from server.errors import Draining, MessageTooLarge
from server.rpc.call import END_OF_STREAM, Call, Context, is_valid_id
from server.rpc.open_calls import OpenCalls
from server.telemetry.logging import fields
from server.telemetry.metrics import Metrics

_log = logging.getLogger(__name__)


class ManyAtOnce:
    """Reads the requests of one call and has each answered in a task of its own.

    A request holds one of `max_in_flight` places from before it is read until its answer is
    written, so a fast writer and a slow reader are both held up by flow control, and no memory is
    piled up.
    """

    def __init__(
        self,
        call: Call,
        context: Context,
        *,
        open_calls: OpenCalls,
        metrics: Metrics,
        max_in_flight: int,
        max_message_bytes: int,
    ) -> None:
        self._call = call
        self._context = context
        self._open_calls = open_calls
        self._metrics = metrics
        self._max_message_bytes = max_message_bytes
        self._places = asyncio.Semaphore(max_in_flight)
        self._writing = asyncio.Lock()
        self._num_ended = 0
        self._num_failed = 0

    async def run(self, answer: Callable[[Any], Awaitable[None]]) -> None:
        """Has every request answered and returns, or raises Draining if the server stops first."""
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(answer, tasks))
                with self._open_calls.calling_on_close(reading.cancel):
                    await asyncio.wait([reading])
        except BaseExceptionGroup as group:
            # What comes here ends the whole call, and once is enough.
            raise group.exceptions[0] from None
        finally:
            self._call.notes |= {"items": self._num_ended, "items_failed": self._num_failed}
        if reading.cancelled():
            raise Draining

    async def write(self, response: Message) -> None:
        """Sends a message; those of several requests may come in any order."""
        async with self._writing:
            await self._context.write(response)

    def check_size(self, message: Message) -> None:
        """Raises MessageTooLarge for what is over the limit; gRPC's own is twice as high."""
        if (size := message.ByteSize()) > self._max_message_bytes:
            raise MessageTooLarge(size, self._max_message_bytes)

    def ended(
        self,
        item_id: str,
        code: grpc.StatusCode,
        reason: str = "",
        notes: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        """Counts and logs the end of one request; `reason` is "" for a success."""
        self._num_ended += 1
        self._num_failed += bool(reason)
        self._metrics.item_ended(code=code.name, reason=reason)
        _log.info(
            "item ended",
            extra=fields(
                code=code.name,
                reason=reason or None,
                request_id=self._call.request_id,
                item_id=item_id if is_valid_id(item_id) else None,
                **notes,
            ),
        )

    async def _read(
        self, answer: Callable[[Any], Awaitable[None]], tasks: asyncio.TaskGroup
    ) -> None:
        while True:
            await self._places.acquire()
            item = await self._context.read()
            if item is END_OF_STREAM:
                return
            tasks.create_task(self._answer(answer, item))

    async def _answer(self, answer: Callable[[Any], Awaitable[None]], item: Any) -> None:
        try:
            await answer(item)
        finally:
            self._places.release()

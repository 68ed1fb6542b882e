"""SummarizeBatch: many documents over one call, each answering or failing by itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import grpc

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as proto
from server.errors import Draining, InvalidRequest, MessageTooLarge, Violation
from server.rpc.call import END_OF_STREAM, Call, Context, is_valid_id, summary_notes
from server.rpc.convert import id_violation, to_response
from server.rpc.faults import is_cancelled_from_outside, log_fault
from server.rpc.open_calls import OpenCalls
from server.rpc.status import Failure, explain, to_item_error
from server.telemetry.logging import fields
from server.telemetry.metrics import Metrics
from server.types import Summary

_log = logging.getLogger(__name__)

Summarise = Callable[[proto.SummarizeRequest, str], Awaitable[Summary]]


class BatchCall:
    """One SummarizeBatch call.

    An item holds one of `max_in_flight` places from before it is read until its answer is written,
    so a fast writer and a slow reader are both held up by flow control, and no memory is piled up.
    """

    def __init__(
        self,
        call: Call,
        context: Context,
        summarise: Summarise,
        *,
        open_calls: OpenCalls,
        metrics: Metrics,
        max_in_flight: int,
        max_message_bytes: int,
    ) -> None:
        self._call = call
        self._context = context
        self._summarise = summarise
        self._open_calls = open_calls
        self._metrics = metrics
        self._max_message_bytes = max_message_bytes
        self._places = asyncio.Semaphore(max_in_flight)
        self._writing = asyncio.Lock()
        self._ids_in_flight: set[str] = set()
        self._num_answered = 0
        self._num_failed = 0

    async def run(self) -> None:
        """Answers every item and returns, or raises Draining if the server stops first."""
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(tasks))
                with self._open_calls.calling_on_close(reading.cancel):
                    await asyncio.wait([reading])
        except BaseExceptionGroup as group:
            # Only a broken connection or a malformed message comes here, and once is enough.
            raise group.exceptions[0] from None
        finally:
            self._call.notes |= {"items": self._num_answered, "items_failed": self._num_failed}
        if reading.cancelled():
            raise Draining

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._places.acquire()
            item = await self._context.read()
            if item is END_OF_STREAM:
                return
            tasks.create_task(self._answer(item))

    async def _answer(self, item: proto.SummarizeBatchRequest) -> None:
        try:
            response = await self._respond(item)
            async with self._writing:
                await self._context.write(response)
        finally:
            self._places.release()

    async def _respond(self, item: proto.SummarizeBatchRequest) -> proto.SummarizeBatchResponse:
        try:
            self._claim(item)
        except InvalidRequest as error:
            return self._refusal(item, explain(error))
        try:
            summary = await self._summarise(item.request, item.item_id)
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled_from_outside():
                raise
            log_fault(error, rpc=self._call.rpc, request_id=item.item_id)
            return self._refusal(item, explain(error))
        finally:
            self._ids_in_flight.discard(item.item_id)
        self._num_answered += 1
        self._metrics.item_ended(code=grpc.StatusCode.OK.name, reason="")
        self._log_item(item, grpc.StatusCode.OK, **summary_notes(summary))
        return proto.SummarizeBatchResponse(item_id=item.item_id, response=to_response(summary))

    def _claim(self, item: proto.SummarizeBatchRequest) -> None:
        item_id = item.item_id
        if not is_valid_id(item_id):
            raise InvalidRequest(id_violation("item_id", item_id))
        if item_id in self._ids_in_flight:
            raise InvalidRequest(
                Violation("item_id", f"{item_id} is already in flight on this call")
            )
        if (size := item.ByteSize()) > self._max_message_bytes:
            raise MessageTooLarge(size, self._max_message_bytes)
        self._ids_in_flight.add(item_id)

    def _refusal(
        self, item: proto.SummarizeBatchRequest, failure: Failure
    ) -> proto.SummarizeBatchResponse:
        self._num_answered += 1
        self._num_failed += 1
        self._metrics.item_ended(code=failure.code.name, reason=failure.reason)
        self._log_item(item, failure.code, reason=failure.reason)
        return proto.SummarizeBatchResponse(item_id=item.item_id, error=to_item_error(failure))

    def _log_item(
        self, item: proto.SummarizeBatchRequest, code: grpc.StatusCode, **notes: object
    ) -> None:
        shown_id = item.item_id if is_valid_id(item.item_id) else None
        _log.info(
            "item ended",
            extra=fields(
                code=code.name, request_id=self._call.request_id, item_id=shown_id, **notes
            ),
        )

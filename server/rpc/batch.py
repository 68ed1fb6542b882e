"""SummarizeBatch: many documents over one call, each answering or failing by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as proto
from server.errors import InvalidRequest, Violation
from server.rpc.call import Call, is_valid_id, summary_notes
from server.rpc.convert import id_violation, to_response
from server.rpc.faults import is_cancelled_from_outside, log_fault
from server.rpc.many import ManyAtOnce
from server.rpc.status import Failure, explain, to_item_error
from server.types import Summary

Summarise = Callable[[proto.SummarizeRequest, str], Awaitable[Summary]]


class BatchCall:
    """One SummarizeBatch call."""

    def __init__(self, call: Call, items: ManyAtOnce, summarise: Summarise) -> None:
        self._call = call
        self._items = items
        self._summarise = summarise
        self._ids_in_flight: set[str] = set()

    async def run(self) -> None:
        """Answers every item and returns, or raises Draining if the server stops first."""
        await self._items.run(self._answer)

    async def _answer(self, item: proto.SummarizeBatchRequest) -> None:
        await self._items.write(await self._respond(item))

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
        self._items.ended(item.item_id, grpc.StatusCode.OK, notes=summary_notes(summary))
        return proto.SummarizeBatchResponse(item_id=item.item_id, response=to_response(summary))

    def _claim(self, item: proto.SummarizeBatchRequest) -> None:
        item_id = item.item_id
        if not is_valid_id(item_id):
            raise InvalidRequest(id_violation("item_id", item_id))
        if item_id in self._ids_in_flight:
            raise InvalidRequest(
                Violation("item_id", f"{item_id} is already in flight on this call")
            )
        self._items.check_size(item)
        self._ids_in_flight.add(item_id)

    def _refusal(
        self, item: proto.SummarizeBatchRequest, failure: Failure
    ) -> proto.SummarizeBatchResponse:
        self._items.ended(item.item_id, failure.code, failure.reason)
        return proto.SummarizeBatchResponse(item_id=item.item_id, error=to_item_error(failure))

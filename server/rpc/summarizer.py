"""The five calls of summarizer.v1.Summarizer: convert in, call the service, convert out."""

from contextlib import aclosing
from typing import Any

import grpc.aio

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as proto
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.rpc.batch import BatchCall
from server.rpc.call import Context, current_call
from server.rpc.convert import to_model, to_request, to_response, to_stream_response
from server.rpc.many import ManyAtOnce
from server.rpc.open_calls import OpenCalls
from server.rpc.whole import whole_summary
from server.telemetry.metrics import Metrics
from server.types import Summariser, Summary, SummaryRequest


class SummarizerServicer:
    """Answers the calls."""

    descriptor = proto.DESCRIPTOR.services_by_name["Summarizer"]

    def __init__(
        self,
        summariser: Summariser,
        *,
        open_calls: OpenCalls,
        metrics: Metrics,
        max_batch_in_flight: int,
        max_message_bytes: int,
        has_cache: bool = False,
    ) -> None:
        self._summariser = summariser
        self._open_calls = open_calls
        self._metrics = metrics
        self._max_batch_in_flight = max_batch_in_flight
        self._max_message_bytes = max_message_bytes
        self._has_cache = has_cache

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the calls to a server."""
        # The generated type knows streaming calls as generators only; gRPC takes coroutines too.
        typed: Any = self
        summarizer_pb2_grpc.add_SummarizerServicer_to_server(typed, server)

    async def Summarize(
        self, message: proto.SummarizeRequest, context: Context
    ) -> proto.SummarizeResponse:
        """Summarises one document and answers once."""
        request = self._read(message, wants_deltas=False)
        summary = await whole_summary(self._summariser, request)
        current_call.get().note(summary, has_cache=self._has_cache)
        return to_response(summary)

    async def SummarizeStream(self, message: proto.SummarizeRequest, context: Context) -> None:
        """Summarises one document and sends the text as it is written."""
        request = self._read(message, wants_deltas=True)
        async with aclosing(self._summariser.summarise(request)) as events:
            async for event in events:
                if isinstance(event, Summary):
                    current_call.get().note(event, has_cache=self._has_cache)
                await context.write(to_stream_response(event))

    async def SummarizeBatch(self, _: object, context: Context) -> None:
        """Summarises many documents, each by itself."""

        async def summarise(message: proto.SummarizeRequest, item_id: str) -> Summary:
            request = to_request(
                message,
                request_id=item_id,
                deadline_s=current_call.get().deadline_s(),
                wants_deltas=False,
            )
            return await whole_summary(self._summariser, request)

        items = ManyAtOnce(
            current_call.get(),
            context,
            open_calls=self._open_calls,
            metrics=self._metrics,
            max_in_flight=self._max_batch_in_flight,
            max_message_bytes=self._max_message_bytes,
        )
        await BatchCall(current_call.get(), items, summarise).run()

    async def ListModels(
        self, _: proto.ListModelsRequest, context: Context
    ) -> proto.ListModelsResponse:
        """Lists the models."""
        models = [to_model(model) for model in self._summariser.models()]
        return proto.ListModelsResponse(models=models)

    async def GetModel(self, message: proto.GetModelRequest, context: Context) -> proto.Model:
        """Describes one model."""
        return to_model(self._summariser.model(message.model, message.model_version))

    def _read(self, message: proto.SummarizeRequest, *, wants_deltas: bool) -> SummaryRequest:
        call = current_call.get()
        call.adopt_request_id(message.request_id)
        return to_request(
            message,
            request_id=call.request_id,
            deadline_s=call.deadline_s(),
            wants_deltas=wants_deltas,
        )

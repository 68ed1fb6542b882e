"""The calls of inference.GRPCInferenceService: convert in, call the service, convert out."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from server.errors import UnknownModel
from server.rpc.call import Call, Context, current_call, summary_notes
from server.rpc.faults import is_cancelled_from_outside, log_fault
from server.rpc.kserve.convert import (
    Inference,
    in_these_words,
    to_inference,
    to_last_piece,
    to_metadata,
    to_piece,
    to_response,
    to_stream_error,
)
from server.rpc.kserve.tensors import TEXT_OUTPUT
from server.rpc.many import ManyAtOnce
from server.rpc.open_calls import OpenCalls
from server.rpc.status import Failure, Told, explain
from server.rpc.whole import whole_summary
from server.stubs.inference import inference_pb2 as proto
from server.stubs.inference import inference_pb2_grpc
from server.telemetry.metrics import Metrics
from server.types import Delta, Summariser, Summary, SummaryRequest

_NAME = "precis"
_EXTENSIONS = ("parameters",)
# A client of Triton asks so for a status in place of an error in a message.
_ERROR_ENDS_STREAM_KEY = "triton_grpc_error"


class InferenceServicer:
    """Answers the calls. At most `max_in_flight` documents of one call are in work at once."""

    descriptor = proto.DESCRIPTOR.services_by_name["GRPCInferenceService"]

    def __init__(
        self,
        summariser: Summariser,
        *,
        version: str,
        is_ready: Callable[[], bool],
        open_calls: OpenCalls,
        metrics: Metrics,
        max_in_flight: int,
        max_message_bytes: int,
    ) -> None:
        self._summariser = summariser
        self._version = version
        self._is_ready = is_ready
        self._open_calls = open_calls
        self._metrics = metrics
        self._max_in_flight = max_in_flight
        self._max_message_bytes = max_message_bytes

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the calls to a server."""
        # The generated type knows streaming calls as generators only; gRPC takes coroutines too.
        typed: Any = self
        inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(typed, server)

    async def ServerLive(
        self, _: proto.ServerLiveRequest, context: Context
    ) -> proto.ServerLiveResponse:
        """Says that the server runs."""
        return proto.ServerLiveResponse(live=True)

    async def ServerReady(
        self, _: proto.ServerReadyRequest, context: Context
    ) -> proto.ServerReadyResponse:
        """Says whether the server takes requests, as health does."""
        return proto.ServerReadyResponse(ready=self._is_ready())

    async def ModelReady(
        self, message: proto.ModelReadyRequest, context: Context
    ) -> proto.ModelReadyResponse:
        """Says whether a model takes requests; one that is not served does not."""
        try:
            self._summariser.model(message.name, message.version)
        except UnknownModel:
            return proto.ModelReadyResponse(ready=False)
        return proto.ModelReadyResponse(ready=self._is_ready())

    async def ServerMetadata(
        self, _: proto.ServerMetadataRequest, context: Context
    ) -> proto.ServerMetadataResponse:
        """Says what server this is."""
        return proto.ServerMetadataResponse(
            name=_NAME, version=self._version, extensions=_EXTENSIONS
        )

    async def ModelMetadata(
        self, message: proto.ModelMetadataRequest, context: Context
    ) -> proto.ModelMetadataResponse:
        """Describes a model."""
        return to_metadata(self._summariser.model(message.name, message.version))

    async def ModelInfer(
        self, message: proto.ModelInferRequest, context: Context
    ) -> proto.ModelInferResponse:
        """Summarises every document of a tensor; the first failure ends the call."""
        call = current_call.get()
        call.adopt_request_id(message.id)
        inference = _read(message, max_documents=self._max_in_flight, wants_deltas=False)
        summaries = await self._all(inference.requests)
        _note(call, summaries)
        return to_response(inference, summaries)

    async def ModelStreamInfer(self, _: object, context: Context) -> None:
        """Summarises one document for each request, several side by side, as it is written."""
        stream = ManyAtOnce(
            current_call.get(),
            context,
            open_calls=self._open_calls,
            metrics=self._metrics,
            max_in_flight=self._max_in_flight,
            max_message_bytes=self._max_message_bytes,
        )
        metadata = dict(context.invocation_metadata() or ())
        error_ends_stream = metadata.get(_ERROR_ENDS_STREAM_KEY) == "true"

        async def answer(message: proto.ModelInferRequest) -> None:
            responses = self._stream(message, stream, error_ends_stream=error_ends_stream)
            async with aclosing(responses):
                async for response in responses:
                    await stream.write(response)

        await stream.run(answer)

    async def _stream(
        self, message: proto.ModelInferRequest, stream: ManyAtOnce, *, error_ends_stream: bool
    ) -> AsyncGenerator[proto.ModelStreamInferResponse, None]:
        try:
            stream.check_size(message)
            model = self._summariser.model(message.model_name, message.model_version)
            inference = _read(message, max_documents=1, wants_deltas=True)
            async with aclosing(self._summariser.summarise(inference.requests[0])) as events:
                async for event in events:
                    if isinstance(event, Delta) and TEXT_OUTPUT in inference.outputs:
                        yield to_piece(inference, model, event)
                    elif isinstance(event, Summary):
                        stream.ended(message.id, grpc.StatusCode.OK, notes=summary_notes(event))
                        yield to_last_piece(inference, event)
        except (Exception, asyncio.CancelledError) as error:
            failure = _explained(error, 0, 1)
            stream.ended(message.id, failure.code, failure.reason)
            if error_ends_stream:
                raise Told(failure) from error
            yield to_stream_error(message.id, failure)

    async def _all(self, requests: Sequence[SummaryRequest]) -> list[Summary]:
        async def one(index: int, request: SummaryRequest) -> Summary:
            try:
                return await whole_summary(self._summariser, request)
            except (Exception, asyncio.CancelledError) as error:
                raise Told(_explained(error, index, len(requests))) from error

        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(one(*each)) for each in enumerate(requests)]
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return [task.result() for task in running]


def _read(message: proto.ModelInferRequest, *, max_documents: int, wants_deltas: bool) -> Inference:
    call = current_call.get()
    return to_inference(
        message,
        request_id=message.id or call.request_id,
        deadline_s=call.deadline_s(),
        now_s=time.monotonic(),
        max_documents=max_documents,
        wants_deltas=wants_deltas,
    )


def _note(call: Call, summaries: Sequence[Summary]) -> None:
    if len(summaries) == 1:
        call.note(summaries[0], has_cache=False)
        return
    call.notes |= {
        "model": summaries[0].model,
        "items": len(summaries),
        "source_tokens": sum(each.usage.source_tokens for each in summaries),
        "summary_tokens": sum(each.usage.summary_tokens for each in summaries),
    }


def _explained(error: BaseException, index: int, count: int) -> Failure:
    """Says why a document has no summary; passes on the call's own end."""
    if is_cancelled_from_outside():
        raise error
    call = current_call.get()
    log_fault(error, rpc=call.rpc, request_id=call.request_id)
    return in_these_words(explain(error), index, count)

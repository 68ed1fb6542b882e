"""The client for asyncio; the same calls as in sync.py."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Self, Unpack

import grpc.aio

from precis_client import _health
from precis_client._batch import BatchLedger, Document
from precis_client._convert import (
    RequestFields,
    from_delta,
    from_model,
    from_models,
    from_response,
    to_request,
)
from precis_client._status import our_errors
from precis_client._warnings import pass_on_warnings
from precis_client.channel import DEFAULT_ADDRESS, Connection
from precis_client.errors import Cancelled, InternalError
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1.summarizer_pb2_grpc import SummarizerStub
from precis_client.types import BatchResult, Delta, Model, ServingStatus, Summary

if TYPE_CHECKING:  # the class exists for type checkers only
    from precis_client.stubs.summarizer.v1.summarizer_pb2_grpc import SummarizerAsyncStub

_END_OF_STREAM = grpc.aio.EOF  # type: ignore[attr-defined]  # types-grpcio leaves it out


class AsyncSummaryStream(AsyncIterator[str]):
    """A summary as it is written: iterate for its pieces, then read `final`.

    Closing it before the end cancels the call, so that the server stops writing; leaving an `async
    with` block closes it.
    """

    def __init__(self, call: Any, request_id: str) -> None:
        self._call = call
        self._request_id = request_id
        self._is_closed = False
        self._final: Summary | None = None

    async def __anext__(self) -> str:
        delta = await self._next_delta()
        if delta is None:
            raise StopAsyncIteration
        return delta.text

    async def deltas(self) -> AsyncIterator[Delta]:
        """Iterates over the pieces with their token counts, in place of the bare texts."""
        while (delta := await self._next_delta()) is not None:
            yield delta

    @property
    def final(self) -> Summary:
        """The whole answer. There is none until the pieces have been read to their end."""
        if self._final is None:
            raise RuntimeError("the stream has not been read to its end, so there is no answer yet")
        return self._final

    async def close(self) -> None:
        """Cancels the call if it is still running."""
        self._is_closed = True
        self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _next_delta(self) -> Delta | None:
        try:
            with our_errors(self._request_id):
                while (event := await self._call.read()) is not _END_OF_STREAM:
                    if event.HasField("delta"):
                        return from_delta(event.delta)
                    if event.HasField("final"):
                        self._final = from_response(event.final)
        except asyncio.CancelledError:
            # gRPC reports a call that was cancelled here in the way that asyncio reports a
            # cancelled task.
            if self._is_closed:
                raise Cancelled("the stream was closed before its end", code="CANCELLED") from None
            raise
        if self._final is None:
            raise InternalError("the server ended the stream without its final message")
        pass_on_warnings(await self._call.trailing_metadata())
        return None


class AsyncClient:
    """Talks to one Précis server from one event loop; use it in an `async with` block, or close it.

    `timeout_s` bounds every call that is given none of its own, retries included; None is no bound.
    Every failure is a PrecisError, except that cancelling a task cancels its call and shows as
    asyncio.CancelledError. See `Connection` for the other arguments.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        tls: bool = False,
        root_certificates: bytes | None = None,
        token: str | None = None,
        retry: bool = True,
        timeout_s: float | None = 60.0,
    ) -> None:
        connection = Connection(
            address=address, tls=tls, root_certificates=root_certificates, token=token, retry=retry
        )
        self._connection = connection
        self._metadata = connection.metadata
        self._timeout_s = timeout_s
        self._open_channel: grpc.aio.Channel | None = None

    @property
    def _channel(self) -> grpc.aio.Channel:
        # Made on the first call, since a channel belongs to the loop that runs when it is made, and
        # a client may be made before there is one.
        if self._open_channel is None:
            self._open_channel = self._connection.open_aio()
        return self._open_channel

    async def summarize(
        self,
        document: str,
        *,
        request_id: str = "",
        timeout_s: float | None = None,
        **fields: Unpack[RequestFields],
    ) -> Summary:
        """Summarises one document. `RequestFields` lists what else may be said.

        `request_id` is echoed in the reply and in the server's logs; without one the server makes
        one.
        """
        request = to_request(document, fields, request_id)
        answer = self._answer(self._stub.Summarize, request, timeout_s, request_id)
        return from_response(await answer)

    def stream(
        self,
        document: str,
        *,
        request_id: str = "",
        timeout_s: float | None = None,
        **fields: Unpack[RequestFields],
    ) -> AsyncSummaryStream:
        """Summarises one document, giving the text as it is written; failures show on the way."""
        request = to_request(document, fields, request_id)
        call = self._stub.SummarizeStream(request, **self._terms(timeout_s))
        return AsyncSummaryStream(call, request_id)

    def batch(
        self,
        documents: Iterable[Document] | AsyncIterable[Document],
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RequestFields],
    ) -> AsyncGenerator[BatchResult]:
        """Summarises many documents over one call and yields the results as they finish.

        They come in any order. A document is a text, or an id and a text; the ids of bare texts are
        their positions, "0", "1" and so on. `documents` is read only as fast as the server takes
        them. One item's failure is in its result; only a failure of the whole call is raised.
        Unlike other calls this one is not bounded in time unless `timeout_s` is given. Closing the
        generator cancels what is left.
        """
        return self._batch(BatchLedger(documents, fields), timeout_s)

    async def _batch(
        self, ledger: BatchLedger, timeout_s: float | None
    ) -> AsyncGenerator[BatchResult]:
        call = self._stub.SummarizeBatch(
            ledger.requests_async(), timeout=timeout_s, metadata=self._metadata
        )
        try:
            with our_errors():
                async for answer in call:
                    yield ledger.result(answer)
            pass_on_warnings(await call.trailing_metadata())
            ledger.settle()
        finally:
            call.cancel()

    async def list_models(self, *, timeout_s: float | None = None) -> tuple[Model, ...]:
        """Lists the server's models, the default one first."""
        answer = self._answer(self._stub.ListModels, pb.ListModelsRequest(), timeout_s)
        return from_models(await answer)

    async def get_model(
        self, model: str = "", model_version: str = "", *, timeout_s: float | None = None
    ) -> Model:
        """Describes a model; without a name the default one, without a version the newest."""
        request = pb.GetModelRequest(model=model, model_version=model_version)
        return from_model(await self._answer(self._stub.GetModel, request, timeout_s))

    async def health(self, service: str = "", *, timeout_s: float | None = None) -> ServingStatus:
        """Asks the standard health service about one service, by default about the server."""
        check = self._channel.unary_unary(
            _health.METHOD, _health.serialize_request, _health.parse_response
        )
        with our_errors():
            return await check(service, **self._terms(timeout_s))

    async def close(self) -> None:
        """Closes the connection and cancels the calls that are still running."""
        if self._open_channel is not None:
            await self._open_channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def _stub(self) -> "SummarizerAsyncStub":
        return SummarizerStub(self._channel)

    async def _answer(
        self, method: Any, request: Any, timeout_s: float | None, request_id: str = ""
    ) -> Any:
        with our_errors(request_id):
            call = method(request, **self._terms(timeout_s))
            response = await call
            trailing_metadata = await call.trailing_metadata()
        pass_on_warnings(trailing_metadata)
        return response

    def _terms(self, timeout_s: float | None) -> dict[str, Any]:
        return {
            "timeout": self._timeout_s if timeout_s is None else timeout_s,
            "metadata": self._metadata,
        }

"""The client for threads."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any, Self, Unpack

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
from precis_client.errors import InternalError
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1.summarizer_pb2_grpc import SummarizerStub
from precis_client.types import BatchResult, Delta, Model, ServingStatus, Summary


class SummaryStream(Iterator[str]):
    """A summary as it is written: iterate for its pieces, then read `final`.

    Closing it before the end cancels the call, so that the server stops writing; leaving a `with`
    block closes it.
    """

    def __init__(self, call: Any, request_id: str) -> None:
        self._call = call
        self._request_id = request_id
        self._final: Summary | None = None

    def __next__(self) -> str:
        delta = self._next_delta()
        if delta is None:
            raise StopIteration
        return delta.text

    def deltas(self) -> Iterator[Delta]:
        """Iterates over the pieces with their token counts, in place of the bare texts."""
        while (delta := self._next_delta()) is not None:
            yield delta

    @property
    def final(self) -> Summary:
        """The whole answer. There is none until the pieces have been read to their end."""
        if self._final is None:
            raise RuntimeError("the stream has not been read to its end, so there is no answer yet")
        return self._final

    def close(self) -> None:
        """Cancels the call if it is still running."""
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_delta(self) -> Delta | None:
        with our_errors(self._request_id):
            for event in self._call:
                if event.HasField("delta"):
                    return from_delta(event.delta)
                if event.HasField("final"):
                    self._final = from_response(event.final)
        if self._final is None:
            raise InternalError("the server ended the stream without its final message")
        pass_on_warnings(self._call.trailing_metadata())
        return None


class Client:
    """Talks to one Précis server. Threads may share it; use it in a `with` block, or close it.

    `timeout_s` bounds every call that is given none of its own, retries included; None is no bound.
    Every failure is a PrecisError. See `Connection` for the other arguments.
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
        self._metadata = connection.metadata
        self._timeout_s = timeout_s
        self._channel = connection.open()
        self._stub = SummarizerStub(self._channel)
        self._check_health = self._channel.unary_unary(
            _health.METHOD, _health.serialize_request, _health.parse_response
        )

    def summarize(
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
        return from_response(self._answer(self._stub.Summarize, request, timeout_s, request_id))

    def stream(
        self,
        document: str,
        *,
        request_id: str = "",
        timeout_s: float | None = None,
        **fields: Unpack[RequestFields],
    ) -> SummaryStream:
        """Summarises one document, giving the text as it is written; failures show on the way."""
        request = to_request(document, fields, request_id)
        call = self._stub.SummarizeStream(request, **self._terms(timeout_s))
        return SummaryStream(call, request_id)

    def batch(
        self,
        documents: Iterable[Document],
        *,
        timeout_s: float | None = None,
        **fields: Unpack[RequestFields],
    ) -> Generator[BatchResult]:
        """Summarises many documents over one call and yields the results as they finish.

        They come in any order. A document is a text, or an id and a text; the ids of bare texts are
        their positions, "0", "1" and so on. `documents` is read on another thread, and only as fast
        as the server takes them. One item's failure is in its result; only a failure of the whole
        call is raised. Unlike other calls this one is not bounded in time unless `timeout_s` is
        given. Closing the generator cancels what is left.
        """
        return self._batch(BatchLedger(documents, fields), timeout_s)

    def _batch(self, ledger: BatchLedger, timeout_s: float | None) -> Generator[BatchResult]:
        call = self._stub.SummarizeBatch(
            ledger.requests(), timeout=timeout_s, metadata=self._metadata
        )
        try:
            with our_errors():
                for answer in call:
                    yield ledger.result(answer)
            pass_on_warnings(call.trailing_metadata())
            ledger.settle()
        finally:
            call.cancel()

    def list_models(self, *, timeout_s: float | None = None) -> tuple[Model, ...]:
        """Lists the server's models, the default one first."""
        return from_models(self._answer(self._stub.ListModels, pb.ListModelsRequest(), timeout_s))

    def get_model(
        self, model: str = "", model_version: str = "", *, timeout_s: float | None = None
    ) -> Model:
        """Describes a model; without a name the default one, without a version the newest."""
        request = pb.GetModelRequest(model=model, model_version=model_version)
        return from_model(self._answer(self._stub.GetModel, request, timeout_s))

    def health(self, service: str = "", *, timeout_s: float | None = None) -> ServingStatus:
        """Asks the standard health service about one service, by default about the server."""
        with our_errors():
            return self._check_health(service, **self._terms(timeout_s))

    def close(self) -> None:
        """Closes the connection and cancels the calls that are still running."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(
        self, method: Any, request: Any, timeout_s: float | None, request_id: str = ""
    ) -> Any:
        with our_errors(request_id):
            response, call = method.with_call(request, **self._terms(timeout_s))
        pass_on_warnings(call.trailing_metadata())
        return response

    def _terms(self, timeout_s: float | None) -> dict[str, Any]:
        return {
            "timeout": self._timeout_s if timeout_s is None else timeout_s,
            "metadata": self._metadata,
        }

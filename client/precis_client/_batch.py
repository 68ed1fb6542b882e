"""What the two clients share for batches: documents in, requests out, and failures kept."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

from precis_client._convert import RequestFields, from_batch_response, to_request
from precis_client.errors import InternalError
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.types import BatchResult

Document = str | tuple[str, str]
"""A document, or an id and a document."""


class BatchLedger:
    """Makes the requests of one batch and notices what would otherwise be lost.

    gRPC reads the requests on a thread or task of its own, where an exception of the caller's
    iterable would end as a line in a log. So it is kept here and the requests end early; `settle`
    raises it once every document that was sent has been answered.
    """

    def __init__(
        self, documents: Iterable[Document] | AsyncIterable[Document], fields_set: RequestFields
    ) -> None:
        if isinstance(documents, str):
            raise TypeError("a batch takes several documents, not one str")
        self._documents = documents
        self._template = to_request("", fields_set)
        self._num_open = 0
        self._position = 0
        self._failure: Exception | None = None

    def requests(self) -> Iterator[pb.SummarizeBatchRequest]:
        """Yields a request for each document."""
        try:
            for document in self._documents:  # type: ignore[union-attr]  # sync callers pass no other
                yield self._request(document)
        except Exception as error:
            self._failure = error

    async def requests_async(self) -> AsyncIterator[pb.SummarizeBatchRequest]:
        """Yields a request for each document."""
        if not isinstance(self._documents, AsyncIterable):
            for request in self.requests():
                yield request
            return
        try:
            async for document in self._documents:
                yield self._request(document)
        except Exception as error:
            self._failure = error

    def _request(self, document: Document) -> pb.SummarizeBatchRequest:
        item_id, text = (str(self._position), document) if isinstance(document, str) else document
        request = pb.SummarizeBatchRequest(item_id=item_id, request=self._template)
        request.request.document = to_request(text, {}).document
        self._position += 1
        self._num_open += 1
        return request

    def result(self, answer: pb.SummarizeBatchResponse) -> BatchResult:
        """Reads one answer and strikes its item off."""
        self._num_open -= 1
        return from_batch_response(answer)

    def settle(self) -> None:
        """Raises, once the answers have ended, what stopped the documents or lost an answer."""
        if self._failure is not None:
            raise self._failure
        if self._num_open > 0:
            raise InternalError(
                f"the server ended the batch with {self._num_open} documents unanswered",
                code="INTERNAL",
            )

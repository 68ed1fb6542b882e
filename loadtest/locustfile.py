"""The Summarizer under plain Locust: `locust -f loadtest/locustfile.py --host localhost:50051`."""

import itertools
from typing import Any

from locust import task

# isort: split
from loadtest.engine.mix import Mix
from loadtest.engine.summarizer_requests import make_request
from loadtest.grpc_user import GrpcUser
from loadtest.orders import Work
from loadtest.scenario import CorpusTable, MixEntry
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc

_BATCH = MixEntry(call="SummarizeBatch", batch_size=4)


class SummarizerUser(GrpcUser):
    """Somebody who asks for a summary, reads it, and asks for the next."""

    host = "localhost:50051"
    _numbers = itertools.count()
    _mix = Mix(Work(seed="0", corpus=CorpusTable(), mix=(_BATCH,)))

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._stub = summarizer_pb2_grpc.SummarizerStub(self.channel)

    @task(6)
    def ask(self) -> None:
        """Asks for one whole summary."""
        self.unary(self._stub.Summarize, self._requests()[0])

    @task(3)
    def read_along(self) -> None:
        """Reads a summary as it is written."""
        self.stream(
            self._stub.SummarizeStream,
            self._requests()[0],
            count_tokens=lambda events: events[-1].final.usage.summary_tokens,
        )

    @task(1)
    def send_many(self) -> None:
        """Sends four documents over one call."""
        requests = self._requests()
        self.batch(
            self._stub.SummarizeBatch,
            [
                pb.SummarizeBatchRequest(item_id=str(number), request=request)
                for number, request in enumerate(requests)
            ],
        )

    def _requests(self) -> list[pb.SummarizeRequest]:
        ask = self._mix.choose(str(next(self._numbers)), 0)
        return [make_request(_BATCH, document) for document in ask.documents]

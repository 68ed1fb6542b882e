"""A Locust user that calls the Summarizer and times what its caller feels."""

import itertools
import time
from pathlib import Path
from typing import Any

# Locust comes first: it patches the standard library for gevent, and gRPC must be told of gevent
# after that and before the first channel.
from locust import User, constant

# isort: split
import gevent
import grpc
import grpc.experimental.gevent

from loadtest.corpus import choose_forever, read_corpus
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc

grpc.experimental.gevent.init_gevent()

_PAUSE_AFTER_FAILURE_S = 0.1
"""A refusal comes at once. Without a pause a closed loop would become a busy one."""


class Failure(Exception):
    """A call that did not end well. Locust counts failures together that print alike."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status

    def __repr__(self) -> str:
        return self.status


class SummarizerUser(User):  # type: ignore[misc]  # Locust's classes are not typed
    """A caller with a connection of its own, who waits for each answer before the next request.

    It sends nothing twice: what the server refuses, it refuses visibly.
    """

    abstract = True
    host = "localhost:50051"
    wait_time = constant(0)
    _numbers = itertools.count()

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        options = environment.parsed_options
        self._style = options.style
        self._deadline_s = options.deadline_s
        seed = f"{options.corpus_seed}/{next(self._numbers)}"
        self._documents = choose_forever(read_corpus(Path(options.corpus)), seed)
        # gRPC would otherwise let all channels of a process share one connection.
        settings = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
        self._channel = grpc.insecure_channel(self.host, settings)
        self._stub = summarizer_pb2_grpc.SummarizerStub(self._channel)

    def on_stop(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def summarize(self) -> None:
        """Sends one document and waits for its summary."""
        started_at = time.perf_counter()
        response, failure = None, None
        try:
            response = self._stub.Summarize(self._request(), timeout=self._deadline_s)
        except grpc.RpcError as error:
            failure = Failure(error.code().name)
        self._report("unary", "Summarize", started_at, response, failure)

    def summarize_stream(self) -> None:
        """Sends one document and reads its summary as it is written."""
        started_at = delta_at = time.perf_counter()
        final, failure, is_first = None, None, True
        try:
            for event in self._stub.SummarizeStream(self._request(), timeout=self._deadline_s):
                if event.HasField("final"):
                    final = event.final
                    continue
                previous_at, delta_at = delta_at, time.perf_counter()
                name = "first delta (ms)" if is_first else "between deltas (ms)"
                self._record(name, 1000 * (delta_at - previous_at))
                is_first = False
            if final is None:
                failure = Failure("NO_FINAL_MESSAGE")
            elif not is_first:
                self._record("tokens/s", final.usage.summary_tokens / (delta_at - started_at))
        except grpc.RpcError as error:
            failure = Failure(error.code().name)
        self._report("stream", "SummarizeStream", started_at, final, failure)

    def _request(self) -> pb.SummarizeRequest:
        return pb.SummarizeRequest(document=next(self._documents), style=self._style)

    def _report(
        self,
        kind: str,
        name: str,
        started_at: float,
        response: pb.SummarizeResponse | None,
        failure: Failure | None,
    ) -> None:
        """Tells Locust of one call, from its sending to its last byte."""
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=1000 * (time.perf_counter() - started_at),
            response_length=0 if response is None else response.ByteSize(),
            response=response,
            context=self.context(),
            exception=failure,
        )
        if failure is not None:
            gevent.sleep(_PAUSE_AFTER_FAILURE_S)

    def _record(self, name: str, value: float) -> None:
        """Adds to a row of its own. Firing an event would count it as a call in the totals."""
        self.environment.stats.get(f"SummarizeStream {name}", "stream").log(value, 0)

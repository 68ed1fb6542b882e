"""A Summarizer that answers by script, behind a real gRPC server on a free port.

What a document is answered with is looked up in `ScriptedSummarizer.script`; any other document
gets `default`. So a test says only what it varies.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc


def response(summary: str = "A short summary.", **changes: Any) -> pb.SummarizeResponse:
    """Makes a reply in which every number differs, so that a mix-up shows."""
    reply = pb.SummarizeResponse(
        summary=summary,
        finish_reason=pb.FINISH_REASON_STOP,
        usage=pb.Usage(
            document_characters=101,
            source_tokens=102,
            source_tokens_dropped=103,
            summary_tokens=104,
            chunks=105,
        ),
        timings=pb.Timings(
            queue=_duration(0.001),
            tokenize=_duration(0.002),
            encode=_duration(0.003),
            decode=_duration(0.25),
            total=_duration(1.5),
        ),
        model="scripted",
        model_version="1.2.3",
        decoding=pb.Decoding(
            method=pb.DECODING_METHOD_GREEDY, steps=106, drafted_tokens=107, accepted_tokens=108
        ),
    )
    reply.MergeFrom(pb.SummarizeResponse(**changes))
    return reply


def model() -> pb.Model:
    """Makes the one model that the scripted server lists."""
    return pb.Model(
        name="scripted",
        version="1.2.3",
        description="Answers by script.",
        styles=[
            pb.Style(
                name="brief",
                description="One sentence.",
                default_options=pb.DecodingOptions(
                    max_tokens=64, no_repeat_ngram_size=3, min_tokens=0
                ),
            ),
            pb.Style(name="headline", description="A title."),
        ],
        default_style="brief",
        languages=["en", "zh"],
        limits=pb.Limits(
            max_source_tokens=1022,
            max_summary_tokens=128,
            max_document_bytes=100_000,
            max_batch_in_flight=8,
        ),
        precision="int8",
        requested_provider="cpu",
        actual_provider="CPUExecutionProvider",
        instruction_set="avx2",
        bundle_sha256="ab" * 32,
        license="Apache-2.0",
        capabilities=["sampling"],
    )


@dataclass
class Reply:
    """Answers; a stream sends `pieces`, which joined give the summary."""

    pieces: tuple[str, ...] = ("A short ", "summary.")
    message: pb.SummarizeResponse = field(default_factory=response)
    has_final: bool = True
    """Whether a stream ends as it should, with its final message."""


@dataclass
class Refusal:
    """Refuses as the real server does, by a status with details; after `times` times it answers."""

    code: grpc.StatusCode
    message: str = "refused by script"
    reason: str = "SCRIPTED"
    violations: tuple[tuple[str, str], ...] = ()
    retry_after_s: float | None = None
    times: int = 1_000_000


@dataclass
class Hang:
    """Sends `pieces` and then nothing, until the call is cancelled."""

    pieces: tuple[str, ...] = ()


Outcome = Reply | Refusal | Hang


class ScriptedSummarizer(summarizer_pb2_grpc.SummarizerServicer):
    """Answers by script and remembers what it was asked."""

    def __init__(self) -> None:
        self.default: Outcome = Reply()
        self.script: dict[str, Outcome] = {}
        self.requests: list[pb.SummarizeRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.call_was_cancelled = threading.Event()
        self.loses_last_batch_item = False

    def Summarize(
        self, request: pb.SummarizeRequest, context: grpc.ServicerContext
    ) -> pb.SummarizeResponse:
        with self._watch(context) as wait_for_end:
            outcome = self._outcome(request, context)
            if isinstance(outcome, Hang):
                wait_for_end()
                return pb.SummarizeResponse()
            return self._message(outcome, request)

    def SummarizeStream(
        self, request: pb.SummarizeRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SummarizeStreamResponse]:
        with self._watch(context) as wait_for_end:
            outcome = self._outcome(request, context)
            for count, piece in enumerate(outcome.pieces, start=1):
                yield pb.SummarizeStreamResponse(delta=pb.Delta(text=piece, summary_tokens=count))
            if isinstance(outcome, Hang):
                wait_for_end()
            elif outcome.has_final:
                yield pb.SummarizeStreamResponse(final=self._message(outcome, request))

    def SummarizeBatch(
        self,
        request_iterator: Iterator[pb.SummarizeBatchRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[pb.SummarizeBatchResponse]:
        """Answers the items last one first, to show that the order is free."""
        self.metadata.append(dict(context.invocation_metadata()))
        with self._watch(context) as wait_for_end:
            items = list(request_iterator)
            self.requests.extend(each.request for each in items)
            for item in reversed(items[:-1] if self.loses_last_batch_item else items):
                outcome = self.script.get(item.request.document, self.default)
                if isinstance(outcome, Hang):
                    wait_for_end()
                    return
                yield self._batch_response(item, outcome)

    def ListModels(
        self, request: pb.ListModelsRequest, context: grpc.ServicerContext
    ) -> pb.ListModelsResponse:
        return pb.ListModelsResponse(models=[model()])

    def GetModel(self, request: pb.GetModelRequest, context: grpc.ServicerContext) -> pb.Model:
        if request.model not in ("", model().name):
            refusal = Refusal(
                grpc.StatusCode.NOT_FOUND, f"no model {request.model!r}", "MODEL_UNKNOWN"
            )
            _refuse(context, refusal)
        return model()

    def _outcome(self, request: pb.SummarizeRequest, context: grpc.ServicerContext) -> Reply | Hang:
        """Records the request and ends the call if it is to be refused."""
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        request_id = request.request_id or "made-by-server"
        context.set_trailing_metadata((("x-request-id", request_id),))
        outcome = self.script.get(request.document, self.default)
        if isinstance(outcome, Refusal):
            if outcome.times > 0:
                outcome.times -= 1
                _refuse(context, outcome, request_id)
            return Reply()
        return outcome

    @staticmethod
    def _message(outcome: Reply, request: pb.SummarizeRequest) -> pb.SummarizeResponse:
        message = pb.SummarizeResponse()
        message.CopyFrom(outcome.message)
        message.request_id = request.request_id or "made-by-server"
        return message

    def _batch_response(
        self, item: pb.SummarizeBatchRequest, outcome: Reply | Refusal
    ) -> pb.SummarizeBatchResponse:
        if isinstance(outcome, Refusal):
            return pb.SummarizeBatchResponse(item_id=item.item_id, error=_item_error(outcome))
        answer = self._message(outcome, item.request)
        return pb.SummarizeBatchResponse(item_id=item.item_id, response=answer)

    @contextmanager
    def _watch(self, context: grpc.ServicerContext) -> Iterator[Callable[[], object]]:
        """Notices if the call ends before its method does; gives what waits for the call's end."""
        call_is_over, method_is_over = threading.Event(), threading.Event()

        def end() -> None:
            if not method_is_over.is_set():
                self.call_was_cancelled.set()
            call_is_over.set()

        context.add_callback(end)
        try:
            yield call_is_over.wait
        except Exception:  # a refusal; an abandoned generator would be a GeneratorExit
            method_is_over.set()
            raise
        method_is_over.set()


@dataclass(frozen=True)
class ScriptedServer:
    """A running server: where it is, what it answers with and what its health service says."""

    address: str
    summarizer: ScriptedSummarizer
    _health: health.HealthServicer

    def set_health(self, service: str, *, is_serving: bool) -> None:
        """Settles what the health service says of a service; "" is the server as a whole."""
        status = health_pb2.HealthCheckResponse
        self._health.set(service, status.SERVING if is_serving else status.NOT_SERVING)


@contextmanager
def serve_script(
    credentials: grpc.ServerCredentials | None = None,
) -> Iterator[ScriptedServer]:
    """Runs a scripted server on a free port, in clear unless there are credentials."""
    summarizer, health_servicer = ScriptedSummarizer(), health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    summarizer_pb2_grpc.add_SummarizerServicer_to_server(summarizer, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    if credentials is None:
        port = server.add_insecure_port("localhost:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        yield ScriptedServer(f"localhost:{port}", summarizer, health_servicer)
    finally:
        server.stop(grace=None).wait()


def _refuse(context: grpc.ServicerContext, refusal: Refusal, request_id: str = "") -> NoReturn:
    # Not abort_with_status: that would drop the request's id from the metadata.
    details = _status(refusal).SerializeToString()
    context.set_trailing_metadata(
        (("x-request-id", request_id), ("grpc-status-details-bin", details))
    )
    context.abort(refusal.code, refusal.message)


def _status(refusal: Refusal) -> status_pb2.Status:
    details: list[Any] = [
        error_details_pb2.ErrorInfo(reason=refusal.reason, domain="summarizer.v1")
    ]
    if refusal.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=name, description=text)
                    for name, text in refusal.violations
                ]
            )
        )
    if refusal.retry_after_s is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=_duration(refusal.retry_after_s)))
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _item_error(refusal: Refusal) -> pb.ItemError:
    return pb.ItemError(
        code=refusal.code.value[0],
        message=refusal.message,
        reason=refusal.reason,
        field_violations=[
            pb.FieldViolation(field=name, description=text) for name, text in refusal.violations
        ],
        retry_delay=None if refusal.retry_after_s is None else _duration(refusal.retry_after_s),
    )


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration

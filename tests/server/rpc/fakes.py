"""A summariser that answers by script, and a real gRPC server over it on a free port."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio

from bundle.manifest import (
    DecodingDefaults,
    Geometry,
    Limits,
    Manifest,
    Provenance,
    SpecialTokens,
    Style,
)
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.errors import UnknownModel
from server.jobs.job import admit
from server.rpc.kserve.servicer import InferenceServicer
from server.rpc.offered import Service
from server.rpc.open_calls import OpenCalls
from server.rpc.server import RpcOptions, RpcServer
from server.rpc.summarizer import SummarizerServicer
from server.telemetry.measured import MeasuredSummariser
from server.telemetry.metrics import Metrics
from server.types import (
    Decoding,
    Delta,
    FinishReason,
    Method,
    ServedModel,
    Summary,
    SummaryRequest,
    Timings,
    Usage,
)

PIECES = ("A short", " summary", ".")


def make_summary(request_id: str = "id", **changes: Any) -> Summary:
    """A summary in which every number differs, so that a mix-up shows."""
    values: dict[str, Any] = {
        "text": "".join(PIECES),
        "finish_reason": FinishReason.STOP,
        "usage": Usage(
            document_characters=101,
            source_tokens=102,
            source_tokens_dropped=103,
            summary_tokens=104,
            chunks=105,
        ),
        "timings": Timings(
            queue_s=0.001, tokenize_s=0.002, encode_s=0.003, decode_s=0.25, total_s=1.5
        ),
        "model": "fake",
        "model_version": "1.2.3",
        "request_id": request_id,
        "decoding": Decoding(
            method=Method.GREEDY, steps=106, drafted_tokens=107, accepted_tokens=108
        ),
    }
    return Summary(**values | changes)


def make_model(**changes: Any) -> ServedModel:
    """The model that the fake serves."""
    headline = Style(
        name="headline",
        description="A title.",
        prefix_ids=(5,),
        suffix_ids=(1,),
        defaults=DecodingDefaults(max_tokens=16),
    )
    brief = Style(
        name="brief",
        description="One sentence.",
        prefix_ids=(4,),
        suffix_ids=(1,),
        defaults=DecodingDefaults(
            max_tokens=64, min_tokens=2, no_repeat_ngram_size=3, no_repeat_word_ngram_size=4
        ),
    )
    manifest = Manifest(
        format_version=1,
        name="fake",
        version="1.2.3",
        description="Answers by script.",
        license="Apache-2.0",
        precision="int8",
        languages=("en", "zh"),
        geometry=Geometry(
            vocab_size=8,
            d_model=4,
            encoder_layers=1,
            decoder_layers=1,
            heads=1,
            head_dim=4,
            max_positions=32,
            copy_head=False,
        ),
        special_tokens=SpecialTokens(pad_id=0, end_id=1, decoder_start_id=0, never_emitted_ids=()),
        styles=(headline, brief),
        default_style="brief",
        limits=Limits(max_source_tokens=1022, max_summary_tokens=128),
        graphs={},
        weights_file="weights",
        tokenizer_file="tokenizer.json",
        files={},
        provenance=Provenance(checkpoint_sha256="cd" * 32, exporter={}),
    )
    values: dict[str, Any] = {
        "manifest": manifest,
        "bundle_sha256": "ab" * 32,
        "max_source_tokens": 1022,
        "max_summary_tokens": 128,
        "max_document_bytes": 100_000,
        "max_batch_in_flight": 4,
        "requested_provider": "cpu",
        "actual_provider": "CPUExecutionProvider",
        "instruction_set": "avx512-vnni",
        "capabilities": ("sampling",),
    }
    return ServedModel(**values | changes)


@dataclass
class Held:
    """Gives `pieces` and then waits until the test lets go, or the caller does."""

    pieces: tuple[str, ...] = ()


class FakeSummariser:
    """Answers by script and remembers what it was asked.

    `script` says what a document meets: an exception, Held, or a summary of its own; any other is
    answered at once.
    """

    def __init__(self) -> None:
        self.script: dict[str, BaseException | Held | Summary] = {}
        self.requests: list[SummaryRequest] = []
        self.let_go = asyncio.Event()
        self.num_running = 0
        self.most_running = 0
        self._changed = asyncio.Condition()

    def models(self) -> Sequence[ServedModel]:
        return [make_model()]

    def model(self, name: str, version: str) -> ServedModel:
        if name not in ("", "fake") or version not in ("", "1.2.3"):
            raise UnknownModel(name, version, "fake version 1.2.3")
        return make_model()

    async def summarise(self, request: SummaryRequest) -> AsyncGenerator[Delta | Summary, None]:
        admit(request, self.model, draw_seed=lambda: 0)
        self.requests.append(request)
        await self._count(+1)
        try:
            outcome = self.script.get(request.document)
            pieces = outcome.pieces if isinstance(outcome, Held) else PIECES
            for count, piece in enumerate(pieces if request.wants_deltas else (), start=1):
                yield Delta(text=piece, summary_tokens=2 * count)
            if isinstance(outcome, Held):
                await self.let_go.wait()
            elif isinstance(outcome, BaseException):
                raise outcome
            yield outcome if isinstance(outcome, Summary) else make_summary(request.request_id)
        finally:
            await self._count(-1)

    async def until_running(self, count: int) -> None:
        """Waits until this many requests are in work."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.num_running == count)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.num_running += change
            self.most_running = max(self.most_running, self.num_running)
            self._changed.notify_all()


@dataclass
class RunningServer:
    """A server under test, and a channel to it."""

    rpc: RpcServer
    fake: FakeSummariser
    metrics: Metrics
    open_calls: OpenCalls
    channel: grpc.aio.Channel

    @property
    def stub(self) -> Any:
        """The calls of the service."""
        return summarizer_pb2_grpc.SummarizerStub(self.channel)

    def sample(self, name: str, **labels: str) -> float | None:
        """The value of one of the server's metrics."""
        if "rpc" in labels:
            labels = {"service": "summarizer.v1.Summarizer"} | labels
        return self.metrics.registry.get_sample_value(name, labels)


@asynccontextmanager
async def serve_fake(
    *,
    services: Sequence[Service] = (),
    kserve: bool = False,
    max_batch_in_flight: int = 4,
    has_cache: bool = False,
    credentials: grpc.ChannelCredentials | None = None,
    **options: Any,
) -> AsyncIterator[RunningServer]:
    """Runs a server over a fake service; what is not given has a default fit for a test."""
    fake, metrics, open_calls = FakeSummariser(), Metrics(), OpenCalls()
    defaults: dict[str, Any] = {"host": "localhost", "port": 0, "max_message_bytes": 1_000_000}
    listening = RpcOptions(**defaults | options)
    rpc = RpcServer(listening, open_calls=open_calls, metrics=metrics)
    rpc.add(
        SummarizerServicer(
            MeasuredSummariser(fake, metrics),
            open_calls=open_calls,
            metrics=metrics,
            max_batch_in_flight=max_batch_in_flight,
            max_message_bytes=listening.max_message_bytes,
            has_cache=has_cache,
        )
    )
    if kserve:
        rpc.add(
            InferenceServicer(
                MeasuredSummariser(fake, metrics),
                version="9.8.7",
                is_ready=lambda: rpc.health.is_serving,
                open_calls=open_calls,
                metrics=metrics,
                max_in_flight=max_batch_in_flight,
                max_message_bytes=listening.max_message_bytes,
            )
        )
    for service in services:
        rpc.add(service)
    await rpc.start()
    channel = (
        grpc.aio.secure_channel(rpc.address, credentials)
        if credentials
        else grpc.aio.insecure_channel(rpc.address)
    )
    try:
        async with channel:
            yield RunningServer(rpc, fake, metrics, open_calls, channel)
    finally:
        fake.let_go.set()
        await rpc.stop()


def lines(log: io.StringIO, message: str) -> list[dict[str, Any]]:
    """The lines with this message."""
    parsed = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in parsed if line["message"] == message]

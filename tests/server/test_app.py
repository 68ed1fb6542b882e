"""The server put together in this process, to break its engine."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bundle.manifest import Geometry
from precis_client.channel import Connection
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.app import serve
from server.config import ConfigError, ServerConfig
from server.decoding.strategy import Outcome
from server.engine.runner import DecodeBatch, RunnerError
from server.rpc.server import ServerError
from server.runtime import lane as lane_module
from server.runtime.failures import told_as_runner_errors
from server.runtime.lane_arrays import Capacity, LaneArrays
from server.runtime.ort_runner import OrtRunner
from tests.server.service_harness import ENGLISH
from tests.server.test_main import BUNDLE, DOCUMENT, LONG, _code_at_end, _read


async def test_the_engines_death_fails_whoever_is_inside_and_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decode = OrtRunner.decode
    is_broken = False

    def decode_or_die(runner: OrtRunner, batch: DecodeBatch) -> Sequence[Outcome]:
        if is_broken:
            raise ZeroDivisionError
        return decode(runner, batch)

    monkeypatch.setattr(OrtRunner, "decode", decode_or_die)
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, metrics=False)
    with caplog.at_level(logging.INFO):
        serving = asyncio.create_task(serve(config, process_age_s=lambda: 0.0))
        address = await _address_when_ready(caplog)

        is_broken = True
        async with grpc.aio.insecure_channel(address) as channel:
            call = summarizer_pb2_grpc.SummarizerStub(channel).Summarize(
                pb.SummarizeRequest(document=DOCUMENT)
            )
            code = await call.code()
        exit_code = await serving

    assert code is grpc.StatusCode.INTERNAL
    assert exit_code == 1
    assert "the engine failed and cannot go on" in caplog.messages
    assert "stopped" in caplog.messages


async def test_a_device_that_fails_sends_callers_elsewhere_and_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decode = OrtRunner.decode
    is_broken = False

    def decode_until_lost(runner: OrtRunner, batch: DecodeBatch) -> Sequence[Outcome]:
        if not is_broken:
            return decode(runner, batch)
        with told_as_runner_errors("a step of 1 rows"):
            raise RuntimeError("CUDA failure 700: an illegal memory access was encountered")

    monkeypatch.setattr(OrtRunner, "decode", decode_until_lost)
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, metrics=False)
    with caplog.at_level(logging.INFO):
        serving = asyncio.create_task(serve(config, process_age_s=lambda: 0.0))
        address = await _address_when_ready(caplog)
        # A call that reaches a gRPC server while it stops may be cancelled by gRPC itself; our
        # client's settings send it again.
        async with Connection(address=address).open_aio() as channel:
            stub = summarizer_pb2_grpc.SummarizerStub(channel)
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            healthy = await watch.read()
            running = stub.SummarizeStream(pb.SummarizeRequest(document=DOCUMENT, options=LONG))
            await running.read()

            is_broken = True
            codes = [await _code_at_end(running), await _code_of_one_more(stub)]
            sick = await watch.read()
        exit_code = await serving

    assert healthy.status == health_pb2.HealthCheckResponse.SERVING
    assert sick.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert codes == [grpc.StatusCode.UNAVAILABLE] * 2
    assert exit_code == 1
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.message == "the engine failed and cannot go on"
    assert "CUDA failure 700" in str(record.exc_info)


async def _code_of_one_more(stub: Any) -> grpc.StatusCode:
    call = stub.Summarize(pb.SummarizeRequest(document=DOCUMENT))
    return await call.code()


async def test_a_fall_back_is_told_in_the_log_by_the_model_and_by_the_metrics(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with _served(caplog, provider="cuda", metrics=True, metrics_port=0) as stub:
        model = await stub.GetModel(pb.GetModelRequest())
        (ready,) = [each for each in caplog.records if each.message == "ready"]
        url = f"http://127.0.0.1:{ready.precis_fields['metrics_port']}/metrics"
        metrics = await asyncio.to_thread(_read, url)

    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.message == "runs on the CPU instead of a GPU"
    assert warning.precis_fields == {
        "requested": "cuda",
        "reason": "the bundle is int8, made for the CPU",
        "fix": "python -m export --precision fp16 makes a bundle for a GPU",
    }
    assert ready.precis_fields["provider"] == "CPUExecutionProvider"
    assert ready.precis_fields["fallback"] == "the bundle is int8, made for the CPU"
    assert (model.requested_provider, model.actual_provider) == ("cuda", "CPUExecutionProvider")
    assert model.provider_fallback
    assert model.provider_fallback_reason == "the bundle is int8, made for the CPU"
    told = 'precis_provider_info{actual="CPUExecutionProvider",fallback="true",requested="cuda"} 1'
    assert told in metrics


async def test_a_summary_is_traced_to_its_document_and_a_stream_says_how_in_its_last_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    document = f"\U0001f31e Caf\xe9 {ENGLISH}"
    request = pb.SummarizeRequest(
        document=document,
        attribution=pb.ATTRIBUTION_LEVEL_WORD,
        offset_unit=pb.OFFSET_UNIT_BYTE,
    )
    async with _served(caplog) as stub:
        model = await stub.GetModel(pb.GetModelRequest())
        reply = await stub.Summarize(request)
        *_, last = [message async for message in stub.SummarizeStream(request)]

    assert "attribution" in model.capabilities
    copied = [each for each in reply.attributions if each.kind == pb.ATTRIBUTION_KIND_COPIED]
    assert len(copied) > 5
    for each in copied:
        own, source = each.summary_span, each.source_spans[0].span
        found = document.encode()[source.start : source.end]
        assert found == reply.summary.encode()[own.start : own.end]
    assert last.final.summary == reply.summary
    assert last.final.attributions == reply.attributions


@pytest.mark.parametrize(
    ("wrong", "expected", "said"),
    [
        ({"provider": "cuda", "strict": True}, ServerError, "int8: cannot run on CUDA: the bundle"),
        ({"capture": "rows=none"}, ConfigError, r"--capture \(PRECIS_CAPTURE\): .*rows='none'"),
    ],
    ids=["strict", "capture"],
)
async def test_what_is_asked_of_a_device_in_vain_keeps_the_server_from_starting(
    wrong: dict[str, Any], expected: type[Exception], said: str
) -> None:
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, metrics=False, **wrong)

    with pytest.raises(expected, match=said):
        await serve(config, process_age_s=lambda: 0.0)


async def test_a_model_that_cannot_write_a_first_summary_is_not_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(runner: OrtRunner, batch: DecodeBatch) -> Sequence[Outcome]:
        raise RunnerError("a step of 1 rows failed")

    monkeypatch.setattr(OrtRunner, "decode", fail)
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, metrics=False)

    with pytest.raises(ServerError, match="first summary: a step of 1 rows failed"):
        await serve(config, process_age_s=lambda: 0.0)


async def test_a_huge_document_without_memory_fails_alone_and_what_runs_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Scarce(LaneArrays):
        def __init__(self, geometry: Geometry, capacity: Capacity) -> None:
            if capacity.source_tokens > 384:
                raise MemoryError
            super().__init__(geometry, capacity)

    monkeypatch.setattr(lane_module, "LaneArrays", Scarce)
    # Both fall to the lane of 257 to 512 source tokens.
    short = pb.SummarizeRequest(document="Attention reads. " * 100, options=LONG)
    huge = pb.SummarizeRequest(document="Attention reads. " * 150)
    async with _served(caplog) as stub:
        running = stub.SummarizeStream(short)
        first = await running.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Summarize(huge)
        text, message = "", first
        while message.HasField("delta"):
            text += message.delta.text
            message = await running.read()
        again = await stub.Summarize(short)

    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "not enough memory for a document of" in (caught.value.details() or "")
    assert dict(caught.value.trailing_metadata())["grpc-retry-pushback-ms"] == "5000"
    assert message.final.usage.source_tokens > 256
    assert text == message.final.summary == again.summary


@asynccontextmanager
async def _served(caplog: pytest.LogCaptureFixture, **settings: Any) -> AsyncIterator[Any]:
    """A whole server in this process, and the stub to call it with."""
    settings = {"metrics": False} | settings
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, **settings)
    with caplog.at_level(logging.INFO):
        serving = asyncio.create_task(serve(config, process_age_s=lambda: 0.0))
        address = await _address_when_ready(caplog)
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                yield summarizer_pb2_grpc.SummarizerStub(channel)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await serving


async def _address_when_ready(caplog: pytest.LogCaptureFixture) -> str:
    while "ready" not in caplog.messages:
        await asyncio.sleep(0.01)
    (record,) = [record for record in caplog.records if record.message == "ready"]
    return str(record.precis_fields["address"])

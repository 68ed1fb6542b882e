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

from bundle.manifest import Geometry
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.app import serve
from server.config import ServerConfig
from server.decoding.strategy import Outcome
from server.engine.runner import DecodeBatch, RunnerError
from server.rpc.server import ServerError
from server.runtime import lane as lane_module
from server.runtime.lane_arrays import Capacity, LaneArrays
from server.runtime.ort_runner import OrtRunner
from tests.server.test_main import BUNDLE, DOCUMENT, LONG


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
async def _served(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Any]:
    """A whole server in this process, and the stub to call it with."""
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, metrics=False)
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

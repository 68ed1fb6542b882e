"""The server put together in this process, to break its engine."""

import asyncio
import logging
from collections.abc import Sequence

import grpc
import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.app import serve
from server.config import ServerConfig
from server.decoding.strategy import Candidates
from server.engine.runner import DecodeBatch, RunnerError
from server.rpc.server import ServerError
from server.runtime.ort_runner import OrtRunner
from tests.server.test_main import BUNDLE, DOCUMENT


async def test_the_engines_death_fails_whoever_is_inside_and_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decode = OrtRunner.decode
    is_broken = False

    def decode_or_die(runner: OrtRunner, batch: DecodeBatch) -> Sequence[Candidates]:
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
    def fail(runner: OrtRunner, batch: DecodeBatch) -> Sequence[Candidates]:
        raise RunnerError("a step of 1 rows failed")

    monkeypatch.setattr(OrtRunner, "decode", fail)
    config = ServerConfig(bundle=BUNDLE, host="127.0.0.1", port=0, metrics=False)

    with pytest.raises(ServerError, match="first summary: a step of 1 rows failed"):
        await serve(config, process_age_s=lambda: 0.0)


async def _address_when_ready(caplog: pytest.LogCaptureFixture) -> str:
    while "ready" not in caplog.messages:
        await asyncio.sleep(0.01)
    (record,) = [record for record in caplog.records if record.message == "ready"]
    return str(record.precis_fields["address"])

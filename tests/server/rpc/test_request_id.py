"""Whose id a call has, and that it comes back whatever happens."""

import re
from typing import Any

import grpc
import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.errors import EngineFailure
from tests.server.rpc.fakes import RunningServer

METHODS = pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])


@METHODS
async def test_the_id_in_the_metadata_comes_back(server: RunningServer, method: str) -> None:
    sent_back, answered = await _ask(server, method, metadata=(("x-request-id", "from-metadata"),))

    assert (sent_back, answered) == ("from-metadata", "from-metadata")


@METHODS
async def test_the_requests_own_id_beats_the_metadata(server: RunningServer, method: str) -> None:
    sent_back, answered = await _ask(
        server, method, request_id="from-field", metadata=(("x-request-id", "from-metadata"),)
    )

    assert (sent_back, answered) == ("from-field", "from-field")


@METHODS
async def test_a_caller_without_an_id_is_given_one(server: RunningServer, method: str) -> None:
    first, answered = await _ask(server, method)
    second, _ = await _ask(server, method)

    assert first == answered
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


async def test_an_id_in_the_metadata_that_is_no_id_is_replaced(server: RunningServer) -> None:
    sent_back, answered = await _ask(server, "Summarize", metadata=(("x-request-id", "a b"),))

    assert sent_back == answered
    assert sent_back != "a b"


@METHODS
async def test_the_id_comes_back_with_an_error_too(server: RunningServer, method: str) -> None:
    server.fake.script["Text."] = EngineFailure("a step failed")

    assert await _ask_in_vain(server, method, request_id="from-field") == "from-field"


async def test_the_requests_own_id_comes_back_though_other_fields_are_refused(
    server: RunningServer,
) -> None:
    options = pb.DecodingOptions(max_tokens=0)

    sent_back = await _ask_in_vain(server, "Summarize", request_id="mine", options=options)

    assert sent_back == "mine"


async def test_an_id_that_is_refused_does_not_come_back(server: RunningServer) -> None:
    sent_back = await _ask_in_vain(
        server, "Summarize", request_id="not\nmine", metadata=(("x-request-id", "from-metadata"),)
    )

    assert sent_back == "from-metadata"


async def test_calls_about_models_have_an_id_too(server: RunningServer) -> None:
    call = server.stub.ListModels(
        pb.ListModelsRequest(), metadata=(("x-request-id", "from-metadata"),)
    )
    await call

    assert dict(await call.trailing_metadata())["x-request-id"] == "from-metadata"


async def _ask(
    server: RunningServer, method: str, metadata: Any = (), **fields: Any
) -> tuple[str, str]:
    """The ids in the trailing metadata and in the answer."""
    message = pb.SummarizeRequest(document="Text.", **fields)
    call = getattr(server.stub, method)(message, metadata=metadata)
    if method == "Summarize":
        answer = await call
    else:
        answer = [event async for event in call][-1].final
    return dict(await call.trailing_metadata())["x-request-id"], answer.request_id


async def _ask_in_vain(
    server: RunningServer, method: str, metadata: Any = (), **fields: Any
) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _ask(server, method, metadata, **fields)
    return str(dict(caught.value.trailing_metadata())["x-request-id"])

"""The client for asyncio against a real gRPC server that answers by script."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from precis_client import (
    AsyncClient,
    Cancelled,
    Client,
    DeadlineExceeded,
    DecodingOptions,
    Delta,
    InternalError,
    InvalidRequest,
    NotFound,
    ServingStatus,
    Unavailable,
)
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Hang, Refusal, Reply, ScriptedServer

TOKEN = "s3cret"  # noqa: S105  # opens nothing
REFUSED = Refusal(grpc.StatusCode.INVALID_ARGUMENT, violations=(("document", "it is blank"),))
GENEROUS_S = 30


@pytest.fixture
async def async_client(server: ScriptedServer) -> AsyncIterator[AsyncClient]:
    """Connects to the scripted server; refusals are not sent again, so that they cost no time."""
    async with AsyncClient(server.address, retry=False) as connected:
        yield connected


async def was_cancelled(server: ScriptedServer) -> bool:
    return await asyncio.to_thread(server.summarizer.call_was_cancelled.wait, GENEROUS_S)


async def test_both_clients_give_the_same_answers(
    async_client: AsyncClient, client: Client
) -> None:
    assert await async_client.summarize("A document.") == client.summarize("A document.")
    assert await async_client.list_models() == client.list_models()
    assert await async_client.get_model() == client.get_model()


async def test_what_the_caller_says_reaches_the_server(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    options = DecodingOptions(max_tokens=40)

    await async_client.summarize("A document.", style="brief", options=options, request_id="abc")

    assert server.summarizer.requests == [
        pb.SummarizeRequest(
            document="A document.",
            style="brief",
            options=pb.DecodingOptions(max_tokens=40),
            request_id="abc",
        )
    ]


async def test_the_token_goes_with_every_kind_of_call(server: ScriptedServer) -> None:
    async with AsyncClient(server.address, token=TOKEN) as client:
        await client.summarize("A document.")
        async for _ in client.stream("A document."):
            pass
        async for _ in client.batch(["A document."]):
            pass

    sent = [metadata["authorization"] for metadata in server.summarizer.metadata]
    assert sent == [f"Bearer {TOKEN}"] * 3


async def test_a_stream_gives_the_text_as_it_is_written_and_then_the_whole_answer(
    async_client: AsyncClient,
) -> None:
    stream = async_client.stream("A document.")

    assert [text async for text in stream] == ["A short ", "summary."]
    assert stream.final == await async_client.summarize("A document.")


async def test_a_stream_can_tell_how_many_tokens_are_written(async_client: AsyncClient) -> None:
    deltas = [delta async for delta in async_client.stream("A document.").deltas()]

    assert deltas == [Delta("A short ", 1), Delta("summary.", 2)]


async def test_a_stream_has_no_answer_before_its_end(async_client: AsyncClient) -> None:
    async with async_client.stream("A document.") as stream:
        with pytest.raises(RuntimeError, match="not been read to its end"):
            _ = stream.final


async def test_leaving_a_stream_early_cancels_the_call(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    server.summarizer.default = Hang(pieces=("First",))

    async with async_client.stream("A document.") as stream:
        assert await anext(stream) == "First"

    assert await was_cancelled(server)
    with pytest.raises(Cancelled):
        await anext(stream)


async def test_a_stream_without_its_final_message_is_a_fault_of_the_server(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    server.summarizer.default = Reply(has_final=False)

    with pytest.raises(InternalError, match="final message"):
        _ = [text async for text in async_client.stream("A document.")]


@pytest.mark.parametrize("kind", ["unary", "stream", "batch"])
async def test_cancelling_a_task_cancels_its_call(
    server: ScriptedServer, async_client: AsyncClient, kind: str
) -> None:
    server.summarizer.default = Hang()

    async def use() -> None:
        if kind == "unary":
            await async_client.summarize("A document.")
        elif kind == "stream":
            await anext(async_client.stream("A document."))
        else:
            await anext(async_client.batch(["A document."]))

    task = asyncio.create_task(use())
    while not server.summarizer.requests:
        await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await was_cancelled(server)


async def test_each_item_of_a_batch_answers_or_fails_by_itself(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    server.summarizer.script["bad"] = REFUSED

    results = {
        each.item_id: each async for each in async_client.batch(["good", "bad", ("mine", "good")])
    }

    assert results.keys() == {"0", "1", "mine"}
    assert results["mine"].unwrap().summary == "A short summary."
    assert isinstance(results["1"].error, InvalidRequest)


async def test_a_batch_may_come_from_an_async_iterable(async_client: AsyncClient) -> None:
    async def documents() -> AsyncIterator[str]:
        for text in ("one", "two"):
            await asyncio.sleep(0)
            yield text

    assert {each.item_id async for each in async_client.batch(documents())} == {"0", "1"}


async def test_documents_that_fail_to_come_end_a_batch_after_the_answers_to_those_that_came(
    async_client: AsyncClient,
) -> None:
    async def documents() -> AsyncIterator[str]:
        yield "good"
        raise OSError("the disk is gone")

    results = async_client.batch(documents())

    assert (await anext(results)).item_id == "0"
    with pytest.raises(OSError, match="the disk is gone"):
        await anext(results)


async def test_closing_a_batch_cancels_the_call(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    server.summarizer.script["stuck"] = Hang()
    results = async_client.batch(["stuck", "good"])
    await anext(results)

    await results.aclose()

    assert await was_cancelled(server)


async def test_a_refusal_is_the_same_error_as_of_the_other_client(
    server: ScriptedServer, async_client: AsyncClient, client: Client
) -> None:
    server.summarizer.default = REFUSED

    with pytest.raises(InvalidRequest) as from_async:
        await async_client.summarize("  ", request_id="abc")
    with pytest.raises(InvalidRequest) as from_sync:
        client.summarize("  ", request_id="abc")

    assert vars(from_async.value) == vars(from_sync.value)


async def test_a_call_without_an_answer_in_time_ends(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    server.summarizer.default = Hang()

    with pytest.raises(DeadlineExceeded):
        await async_client.summarize("A document.", timeout_s=0.05)


async def test_the_health_service_is_asked(
    server: ScriptedServer, async_client: AsyncClient
) -> None:
    server.set_health("summarizer.v1.Summarizer", is_serving=False)

    assert await async_client.health() is ServingStatus.SERVING
    assert await async_client.health("summarizer.v1.Summarizer") is ServingStatus.NOT_SERVING
    with pytest.raises(NotFound):
        await async_client.health("no.such.Service")


async def test_a_server_that_is_not_there_is_unavailable(unused_address: str) -> None:
    async with AsyncClient(unused_address) as client:
        with pytest.raises(Unavailable):
            await client.summarize("A document.")


def test_a_client_may_be_made_before_there_is_an_event_loop(server: ScriptedServer) -> None:
    client = AsyncClient(server.address)

    async def use() -> str:
        async with client:
            return (await client.summarize("A document.")).summary

    assert asyncio.run(use()) == "A short summary."

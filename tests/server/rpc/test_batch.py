"""SummarizeBatch over a real connection."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.errors import Overloaded
from tests.server.rpc.fakes import Held, RunningServer, serve_fake

INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT.value[0]


def item(item_id: str, document: str = "Text.", **fields: Any) -> pb.SummarizeBatchRequest:
    request = pb.SummarizeRequest(document=document, **fields)
    return pb.SummarizeBatchRequest(item_id=item_id, request=request)


async def test_every_item_is_answered_and_then_the_call_ends(server: RunningServer) -> None:
    call = server.stub.SummarizeBatch(iter([item(f"i{n}") for n in range(10)]))

    answers = [answer async for answer in call]

    assert {answer.item_id for answer in answers} == {f"i{n}" for n in range(10)}
    assert all(answer.response.summary == "A short summary." for answer in answers)
    assert await call.code() is grpc.StatusCode.OK


async def test_a_call_without_items_ends_at_once(server: RunningServer) -> None:
    call = server.stub.SummarizeBatch(iter([]))

    assert [answer async for answer in call] == []
    assert await call.code() is grpc.StatusCode.OK


async def test_results_come_as_they_finish(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch()
    await call.write(item("slow", "slow"))
    await call.write(item("quick"))

    assert (await call.read()).item_id == "quick"
    server.fake.let_go.set()
    assert (await call.read()).item_id == "slow"


async def test_half_closing_waits_for_what_is_still_in_work(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch()
    await call.write(item("slow", "slow"))
    await call.done_writing()
    await server.fake.until_running(1)
    server.fake.let_go.set()

    assert (await call.read()).item_id == "slow"
    assert await call.read() is grpc.aio.EOF


async def test_no_more_items_are_in_work_than_allowed() -> None:
    async with serve_fake(max_batch_in_flight=3) as server:
        server.fake.script["slow"] = Held()
        call = server.stub.SummarizeBatch(iter([item(f"i{n}", "slow") for n in range(12)]))
        await server.fake.until_running(3)
        # The places are taken, so whatever the event loop still has to do, no further item starts.
        await _other_calls_pass(server)
        assert len(server.fake.requests) == 3 + 1

        server.fake.let_go.set()
        answers = [answer async for answer in call]

    assert len(answers) == 12
    assert server.fake.most_running <= 3 + 1


async def test_an_item_that_fails_leaves_the_others_alone(server: RunningServer) -> None:
    server.fake.script["bad"] = Overloaded("full", quota="documents", retry_after_s=2.0)
    server.fake.script["broken"] = RuntimeError("oh no")
    items = [item("a"), item("b", "bad"), item("c", "broken"), item("d", " "), item("e")]

    answers = {answer.item_id: answer async for answer in server.stub.SummarizeBatch(iter(items))}

    assert answers["a"].HasField("response")
    assert answers["e"].HasField("response")
    assert answers["b"].error.reason == "OVERLOADED"
    assert answers["b"].error.retry_delay.ToMilliseconds() == 2000
    assert answers["c"].error.code == grpc.StatusCode.INTERNAL.value[0]
    assert "oh no" not in answers["c"].error.message
    assert [each.field for each in answers["d"].error.field_violations] == ["document"]


async def test_something_cancelled_within_an_item_fails_that_item(server: RunningServer) -> None:
    server.fake.script["cancelled"] = asyncio.CancelledError()
    items = [item("a", "cancelled"), item("b")]

    answers = {answer.item_id: answer async for answer in server.stub.SummarizeBatch(iter(items))}

    assert answers["a"].error.code == grpc.StatusCode.INTERNAL.value[0]
    assert answers["b"].HasField("response")


@pytest.mark.parametrize("item_id", ["", "x" * 129, "with space", "línea"])
async def test_an_item_id_that_is_none_is_refused(server: RunningServer, item_id: str) -> None:
    items = [item(item_id), item("good")]

    answers = {answer.item_id: answer async for answer in server.stub.SummarizeBatch(iter(items))}

    assert answers[item_id].error.code == INVALID_ARGUMENT
    assert [each.field for each in answers[item_id].error.field_violations] == ["item_id"]
    assert answers["good"].HasField("response")
    assert [request.request_id for request in server.fake.requests] == ["good"]


async def test_an_item_id_may_not_be_in_flight_twice_but_may_come_again(
    server: RunningServer,
) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch()
    await call.write(item("same", "slow"))
    await server.fake.until_running(1)

    await call.write(item("same"))
    refused = await call.read()
    server.fake.let_go.set()
    answered = await call.read()
    await call.write(item("same"))
    again = await call.read()

    assert refused.error.code == INVALID_ARGUMENT
    assert "same is already in flight" in refused.error.field_violations[0].description
    assert answered.HasField("response")
    assert again.HasField("response")


async def test_the_request_id_of_an_item_is_its_own_or_else_the_items_id(
    server: RunningServer,
) -> None:
    items = [item("a", request_id="mine"), item("b")]

    answers = {
        answer.item_id: answer.response.request_id
        async for answer in server.stub.SummarizeBatch(iter(items))
    }

    assert answers == {"a": "mine", "b": "b"}


async def test_cancelling_the_call_cancels_every_item(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch(iter([item(f"i{n}", "slow") for n in range(3)]))
    reading = asyncio.create_task(call.read())
    await server.fake.until_running(3)

    call.cancel()

    await server.fake.until_running(0)
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_the_calls_deadline_is_every_items(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch(iter([item("a", "slow")]), timeout=0.2)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.fake.requests[0].deadline_s is not None
    await server.fake.until_running(0)


async def test_draining_answers_what_was_taken_and_then_sends_the_caller_elsewhere(
    server: RunningServer,
) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch()
    await call.write(item("taken", "slow"))
    await server.fake.until_running(1)

    server.open_calls.close()
    server.fake.let_go.set()

    assert (await call.read()).item_id == "taken"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_message_that_cannot_be_parsed_ends_the_call_as_a_bad_request(
    server: RunningServer,
) -> None:
    raw = server.channel.stream_stream("/summarizer.v1.Summarizer/SummarizeBatch")
    call = raw()
    await call.write(b"\xff")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_items_are_counted_by_how_they_ended(server: RunningServer) -> None:
    items = [item("a"), item("b"), item("c", " ")]
    _ = [answer async for answer in server.stub.SummarizeBatch(iter(items))]

    assert server.sample("precis_batch_items_total", code="OK") == 2
    assert server.sample("precis_batch_items_total", code="INVALID_ARGUMENT") == 1
    assert server.sample("precis_request_failures_total", reason="INVALID_REQUEST") == 1
    assert server.sample("precis_requests_total", rpc="SummarizeBatch", code="OK") == 1


async def _other_calls_pass(server: RunningServer) -> None:
    """Lets a whole call through, so that everything the server could have read it has read."""
    await server.stub.Summarize(pb.SummarizeRequest(document="Text."))

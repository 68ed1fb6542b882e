"""ModelStreamInfer over a real connection, by the conventions of Triton."""

import io
from typing import Any

import grpc
import pytest

from server.errors import Overloaded
from tests.server.rpc.fakes import PIECES, Held, RunningServer, lines, serve_fake
from tests.server.rpc.kserve.asking import request, values

BAD = Overloaded("full", quota="documents", retry_after_s=2.0)


async def all_of(call: Any) -> list[Any]:
    return [response async for response in call]


def is_final(response: Any) -> bool:
    parameter = response.infer_response.parameters["triton_final_response"]
    assert parameter.HasField("bool_param")
    return parameter.bool_param


@pytest.mark.parametrize("asked", [{}, {"triton_enable_empty_final_response": True}])
async def test_pieces_come_as_they_are_written_and_the_last_response_is_marked(
    stub: Any, asked: dict[str, bool]
) -> None:
    call = stub.ModelStreamInfer(iter([request("Text.", id="r-1", parameters=asked)]))
    *pieces, last = [each.infer_response for each in await all_of(call)]

    assert [values(piece, "text_output") for piece in pieces] == [[piece] for piece in PIECES]
    assert [[output.name for output in piece.outputs] for piece in pieces] == [["text_output"]] * 3
    assert values(last, "text_output") == [""]
    assert values(last, "finish_reason") == ["stop"]
    assert values(last, "summary_tokens") == [104]
    assert {(each.id, each.model_name, each.model_version) for each in (*pieces, last)} == {
        ("r-1", "fake", "1.2.3")
    }


async def test_every_response_says_whether_it_is_the_last(stub: Any) -> None:
    responses = await all_of(stub.ModelStreamInfer(iter([request("Text.")])))

    assert [is_final(response) for response in responses] == [False, False, False, True]


async def test_a_caller_that_wants_no_text_gets_the_last_response_alone(stub: Any) -> None:
    call = stub.ModelStreamInfer(iter([request("Text.", outputs=["summary_tokens"])]))
    (last,) = await all_of(call)

    assert is_final(last)
    assert [output.name for output in last.infer_response.outputs] == ["summary_tokens"]


async def test_requests_of_a_stream_run_side_by_side(server: RunningServer, stub: Any) -> None:
    server.fake.script |= {"a": Held(), "b": Held()}
    call = stub.ModelStreamInfer(iter([request("a", id="1"), request("b", id="2")]))
    await server.fake.until_running(2)
    server.fake.let_go.set()

    assert {each.infer_response.id for each in await all_of(call)} == {"1", "2"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request("bad", id="1"), "full; try again in 2.0 s"),
        (
            request("a", "b", id="1"),
            "inputs[0].shape: is [2, 1], must be [1] or [1, 1] for one document",
        ),
        (request("Text.", id="1", model_name="x"), "model 'x' is not served here"),
        (request("Text.", id="1", parameters={"style": "x"}), "parameters.style: "),
        (request("x" * 5000, id="1"), "(message): has 5041 bytes, at most 4000 are taken"),
    ],
    ids=["overloaded", "two documents", "model", "style", "size"],
)
async def test_a_request_that_fails_is_told_by_a_message_and_the_others_go_on(
    bad: Any, message: str, log: io.StringIO
) -> None:
    from server.stubs.inference.inference_pb2_grpc import GRPCInferenceServiceStub

    async with serve_fake(kserve=True, max_message_bytes=4000) as server:
        server.fake.script["bad"] = BAD
        stub: Any = GRPCInferenceServiceStub(server.channel)
        call = stub.ModelStreamInfer(iter([bad, request("Text.", id="2")]))
        responses = await all_of(call)
        assert await call.code() is grpc.StatusCode.OK

    (failed,) = [each for each in responses if each.error_message]
    assert failed.error_message.startswith(message)
    assert failed.infer_response.id == "1"
    assert len([each for each in responses if each.infer_response.id == "2"]) == 4
    assert {(line["item_id"], line["code"]) for line in lines(log, "item ended")} > {("2", "OK")}
    (line,) = lines(log, "call ended")
    assert (line["items"], line["items_failed"]) == (2, 1)


async def test_a_caller_of_triton_may_have_the_stream_end_with_a_status(
    server: RunningServer, stub: Any
) -> None:
    server.fake.script["bad"] = BAD
    call = stub.ModelStreamInfer(iter([request("bad")]), metadata=(("triton_grpc_error", "true"),))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await all_of(call)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details() == "full; try again in 2.0 s"


async def test_a_caller_that_goes_away_frees_the_document(server: RunningServer, stub: Any) -> None:
    server.fake.script["slow"] = Held(pieces=("A",))
    call = stub.ModelStreamInfer(iter([request("slow")]))
    await call.read()

    call.cancel()

    await server.fake.until_running(0)


async def test_a_server_that_drains_ends_an_idle_stream(server: RunningServer, stub: Any) -> None:
    call = stub.ModelStreamInfer()
    await call.write(request("Text."))
    for _ in range(4):
        await call.read()

    server.open_calls.close()

    assert await server.open_calls.wait_until_none(60.0)
    assert await call.code() is grpc.StatusCode.UNAVAILABLE

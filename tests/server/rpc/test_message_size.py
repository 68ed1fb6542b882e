"""Messages over the limit: refused like any bad request, with the size and the limit."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.server.rpc.fakes import RunningServer, serve_fake

LIMIT = 2000
TOO_LARGE = pb.SummarizeRequest(document="x" * 3000)
REFUSED = "(message): has 3003 bytes, at most 2000 are taken"


async def failure(server: RunningServer, method: str, message: Any) -> grpc.aio.AioRpcError:
    call = getattr(server.stub, method)(message)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call if method == "Summarize" else call.read())
    return caught.value


@pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])
async def test_a_message_over_the_limit_is_a_bad_request_and_no_overload(method: str) -> None:
    async with serve_fake(max_message_bytes=LIMIT) as server:
        refused = await failure(server, method, TOO_LARGE)

        assert server.fake.requests == []
        assert server.sample("precis_request_failures_total", reason="MESSAGE_TOO_LARGE") == 1
        assert server.sample("precis_requests_total", rpc=method, code="INVALID_ARGUMENT") == 1

    assert (refused.code(), refused.details()) == (grpc.StatusCode.INVALID_ARGUMENT, REFUSED)
    status = rpc_status.from_call(refused)
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad_request)
    assert info.reason == "MESSAGE_TOO_LARGE"
    assert [each.field for each in bad_request.field_violations] == ["(message)"]


async def test_a_message_at_the_limit_is_answered() -> None:
    document = "x" * (LIMIT - 3)
    async with serve_fake(max_message_bytes=LIMIT) as server:
        await server.stub.Summarize(pb.SummarizeRequest(document=document))

        assert len(server.fake.requests[0].document) == LIMIT - 3


async def test_an_item_over_the_limit_leaves_the_others_of_its_batch_alone() -> None:
    items = [
        pb.SummarizeBatchRequest(item_id="large", request=TOO_LARGE),
        pb.SummarizeBatchRequest(item_id="small", request=pb.SummarizeRequest(document="Text.")),
    ]
    async with serve_fake(max_message_bytes=LIMIT) as server:
        answers = {
            answer.item_id: answer async for answer in server.stub.SummarizeBatch(iter(items))
        }

        assert [request.request_id for request in server.fake.requests] == ["small"]
        assert server.sample("precis_request_failures_total", reason="MESSAGE_TOO_LARGE") == 1

    assert answers["small"].HasField("response")
    assert answers["large"].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert answers["large"].error.reason == "MESSAGE_TOO_LARGE"
    assert answers["large"].error.message.endswith("bytes, at most 2000 are taken")


async def test_grpc_itself_refuses_what_is_twice_the_limit_and_the_next_call_is_served() -> None:
    async with serve_fake(max_message_bytes=LIMIT) as server:
        refused = await failure(server, "Summarize", pb.SummarizeRequest(document="x" * 2 * LIMIT))
        answer = await server.stub.Summarize(pb.SummarizeRequest(document="x"))

    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max (4003 vs. 4000)" in refused.details()
    assert answer.summary == "A short summary."

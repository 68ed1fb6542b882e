"""What is done round every call: the line in the log, the counts, and odd ends."""

import asyncio
import contextlib
import io
from typing import Any

import grpc

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.errors import Overloaded
from tests.server.rpc.fakes import PIECES, RunningServer, lines, serve_fake

PRIVATE = "The patient's name is Smith."


async def test_a_call_is_one_line_with_its_counts(server: RunningServer, log: io.StringIO) -> None:
    await server.stub.Summarize(pb.SummarizeRequest(document="Text.", request_id="r-1"))

    (line,) = lines(log, "call ended")
    assert line["service"] == "summarizer.v1.Summarizer"
    assert line["rpc"] == "Summarize"
    assert line["code"] == "OK"
    assert line["request_id"] == "r-1"
    assert line["model"] == "fake"
    assert line["source_tokens"] == 102
    assert line["summary_tokens"] == 104
    assert line["finish_reason"] == "stop"
    assert line["peer"].startswith("ipv")
    assert "reason" not in line


async def test_a_refused_call_is_one_line_with_its_reason(
    server: RunningServer, log: io.StringIO
) -> None:
    server.fake.script["bad"] = Overloaded("full", quota="documents", retry_after_s=1.0)
    await _answered(server.stub.SummarizeStream(pb.SummarizeRequest(document="bad")))

    (line,) = lines(log, "call ended")
    assert (line["code"], line["reason"]) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    assert line["quota"] == "documents"


async def test_a_message_over_the_limit_is_one_line_with_its_size(log: io.StringIO) -> None:
    async with serve_fake(max_message_bytes=2000) as server:
        await server.stub.Summarize(pb.SummarizeRequest(document="x" * 3000)).code()

    (line,) = lines(log, "call ended")
    assert (line["reason"], line["message_bytes"]) == ("MESSAGE_TOO_LARGE", 3003)


async def test_an_item_is_one_line_with_its_id(server: RunningServer, log: io.StringIO) -> None:
    items = [_item("a", "Text."), _item("b", " "), _item("not an id", "Text.")]
    _ = [answer async for answer in server.stub.SummarizeBatch(iter(items))]

    assert {(line.get("item_id"), line["code"]) for line in lines(log, "item ended")} == {
        ("a", "OK"),
        ("b", "INVALID_ARGUMENT"),
        (None, "INVALID_ARGUMENT"),
    }
    (line,) = lines(log, "call ended")
    assert (line["items"], line["items_failed"]) == (3, 2)


async def test_no_line_ever_holds_a_documents_or_a_summarys_text(
    server: RunningServer, log: io.StringIO
) -> None:
    server.fake.script[PRIVATE + "!"] = ValueError(f"cannot read {PRIVATE}")
    server.fake.script[PRIVATE + "?"] = asyncio.CancelledError(PRIVATE)
    for document in (PRIVATE, PRIVATE + "!", PRIVATE + "?"):
        request = pb.SummarizeRequest(document=document)
        await server.stub.Summarize(request).code()
        await _answered(server.stub.SummarizeStream(request))
        await _answered(server.stub.SummarizeBatch(iter([_item("a", document)])))
    bad = pb.SummarizeRequest(document=PRIVATE, options=pb.DecodingOptions(top_p=7))
    await server.stub.Summarize(bad).code()

    assert len(lines(log, "call ended")) == 10
    assert len(lines(log, "request failed")) == 6
    assert "Smith" not in log.getvalue()
    assert PIECES[0] not in log.getvalue()


async def test_something_cancelled_within_a_call_still_answers_the_caller(
    server: RunningServer,
) -> None:
    server.fake.script["bad"] = asyncio.CancelledError()

    call = server.stub.Summarize(pb.SummarizeRequest(document="bad"), timeout=60)

    assert await call.code() is grpc.StatusCode.INTERNAL


async def test_calls_are_counted_while_they_run_and_when_they_end(server: RunningServer) -> None:
    labels = {"rpc": "Summarize"}
    await server.stub.Summarize(pb.SummarizeRequest(document="Text."))
    await server.stub.Summarize(pb.SummarizeRequest(document=" ")).code()

    assert server.sample("precis_requests_in_flight", **labels) == 0
    assert server.sample("precis_requests_total", **labels, code="OK") == 1
    assert server.sample("precis_requests_total", **labels, code="INVALID_ARGUMENT") == 1
    assert server.sample("precis_call_duration_seconds_count", **labels) == 2
    assert server.sample("precis_request_failures_total", reason="INVALID_REQUEST") == 1


async def test_a_caller_that_sends_a_token_is_told_that_nobody_checks_it(
    server: RunningServer, log: io.StringIO
) -> None:
    request, token = pb.SummarizeRequest(document="Text."), (("authorization", "Bearer x"),)
    calls = [
        server.stub.Summarize(request, metadata=token),
        server.stub.SummarizeStream(request, metadata=token),
        server.stub.Summarize(request),
    ]
    told = []
    for call in calls:
        _ = (
            await call
            if isinstance(call, grpc.aio.UnaryUnaryCall)
            else [each async for each in call]
        )
        told.append(dict(await call.trailing_metadata()).get("x-precis-warning"))

    text = "authorization is not checked by this server"
    assert told == [text, text, None]
    (line,) = lines(log, text)
    assert line["level"] == "warning"
    assert "Bearer" not in log.getvalue()


async def test_health_checks_are_neither_logged_nor_counted(
    server: RunningServer, log: io.StringIO
) -> None:
    await server.channel.unary_unary("/grpc.health.v1.Health/Check")(b"")

    assert lines(log, "call ended") == []


async def _answered(call: Any) -> None:
    """Reads to the end, whatever end that is."""
    with contextlib.suppress(grpc.aio.AioRpcError):
        async for _ in call:
            pass


def _item(item_id: str, document: str) -> pb.SummarizeBatchRequest:
    request = pb.SummarizeRequest(document=document)
    return pb.SummarizeBatchRequest(item_id=item_id, request=request)

"""The Summarizer's three calls against a real gRPC server that answers by script."""

from collections.abc import Iterator

import grpc
import grpc.aio
import pytest

from loadtest.engine.caller import Ask
from loadtest.engine.clock import Clock
from loadtest.engine.summarizer_caller import NO_FINAL_MESSAGE, SummarizerCaller, _refusal
from loadtest.exits import Exit, LoadTestError
from loadtest.measure.call import HUNG_UP, OK, Call
from loadtest.orders import Target
from loadtest.scenario import MixEntry
from tests.fakes.scripted_summarizer import Hang, Refusal, Reply, ScriptedServer, serve_script

UNARY, STREAM, BATCH = "Summarize", "SummarizeStream", "SummarizeBatch"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Runs a server that answers by script."""
    with serve_script() as scripted:
        yield scripted


async def call(
    server: ScriptedServer, kind: str, documents: tuple[str, ...] = ("a",), **keys: object
) -> Call:
    entry = MixEntry.model_validate({"call": kind, **keys})
    target = Target(address=server.address, metadata=(("x-key", "secret"),))
    caller = SummarizerCaller(target, Clock())
    try:
        return await caller.call(Ask(entry, documents, 0))
    finally:
        await caller.close()


async def check(server: ScriptedServer, *mix: MixEntry) -> dict[str, str]:
    caller = SummarizerCaller(Target(address=server.address), Clock())
    try:
        return dict(await caller.check(mix))
    finally:
        await caller.close()


async def test_a_unary_call_says_what_the_scenario_says(server: ScriptedServer) -> None:
    made = await call(
        server, UNARY, style="headline", options={"max_tokens": 9}, long_documents="truncate"
    )

    (request,) = server.summarizer.requests
    assert (request.document, request.style, request.options.max_tokens) == ("a", "headline", 9)
    assert request.long_document_policy == 2
    assert server.summarizer.metadata[0]["x-key"] == "secret"
    assert (made.status, made.summary_tokens, made.deltas_s) == (OK, 104, ())


async def test_a_stream_has_the_times_of_its_deltas(server: ScriptedServer) -> None:
    made = await call(server, STREAM)

    assert (made.status, made.summary_tokens, len(made.deltas_s)) == (OK, 104, 2)
    assert made.sent_s <= made.deltas_s[0] <= made.deltas_s[1] <= made.ended_s


async def test_the_items_of_a_batch_are_not_told_as_deltas_of_a_stream(
    server: ScriptedServer,
) -> None:
    made = await call(server, BATCH, ("a", "b", "c"))

    assert (made.status, made.summary_tokens, made.deltas_s) == (OK, 3 * 104, ())


async def test_a_batch_goes_as_well_as_its_worst_item(server: ScriptedServer) -> None:
    server.summarizer.script["b"] = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED)

    made = await call(server, BATCH, ("a", "b", "c"))

    assert made.status == "RESOURCE_EXHAUSTED"


async def test_a_batch_is_refused_if_all_its_bad_items_say_when_to_come_again(
    server: ScriptedServer,
) -> None:
    server.summarizer.script["a"] = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_s=2.0)
    refused = await call(server, BATCH, ("a", "b"))
    server.summarizer.script["b"] = Refusal(grpc.StatusCode.INTERNAL)
    failed = await call(server, BATCH, ("a", "b"))

    assert (refused.status, refused.refused) == ("RESOURCE_EXHAUSTED", True)
    assert (failed.status, failed.refused) == ("INTERNAL", False)


async def test_what_ends_without_all_that_it_owes_is_a_failure(server: ScriptedServer) -> None:
    server.summarizer.default = Reply(has_final=False)
    server.summarizer.loses_last_batch_item = True

    assert (await call(server, STREAM)).status == NO_FINAL_MESSAGE
    assert (await call(server, BATCH, ("a", "b"))).status == NO_FINAL_MESSAGE


@pytest.mark.parametrize("kind", [UNARY, STREAM])
async def test_a_refusal_is_told_by_its_status_and_never_sent_again_in_secret(
    server: ScriptedServer, kind: str
) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.UNAVAILABLE, times=1)

    assert (await call(server, kind)).status == "UNAVAILABLE"
    assert len(server.summarizer.requests) == 1


@pytest.mark.parametrize("kind", [UNARY, STREAM, BATCH])
async def test_hanging_up_reaches_the_server(server: ScriptedServer, kind: str) -> None:
    server.summarizer.default = Hang()

    made = await call(server, kind, cancel_after_s=0.3)

    assert made.status == HUNG_UP
    assert server.summarizer.call_was_cancelled.wait(10)


async def test_a_deadline_is_the_callers_own(server: ScriptedServer) -> None:
    server.summarizer.default = Hang()

    assert (await call(server, UNARY, deadline_s=0.3)).status == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize(
    ("said", "after_s", "may_retry"),
    [(None, None, True), ("1500", 1.5, True), ("0", 0.0, True), ("-1", None, False)],
)
def test_a_refusal_says_when_to_come_again(
    said: str | None, after_s: float | None, may_retry: bool
) -> None:
    trailers = grpc.aio.Metadata(*([("grpc-retry-pushback-ms", said)] if said else []))
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.aio.Metadata(), trailers, "full"
    )

    answer = _refusal(error)

    assert (answer.retry_after_s, answer.may_retry) == (after_s, may_retry)


async def test_the_model_is_known_before_the_load(server: ScriptedServer) -> None:
    facts = await check(server, MixEntry(style="headline"))

    assert (facts["model"], facts["precision"]) == ("scripted 1.2.3", "int8")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (MixEntry(style="headlin"), "no style 'headlin': did you mean headline"),
        (MixEntry(options={"max_tokns": 3}), "option max_tokns: did you mean max_tokens"),
    ],
)
async def test_what_the_model_has_not_is_told_before_the_load(
    server: ScriptedServer, entry: MixEntry, told: str
) -> None:
    with pytest.raises(LoadTestError, match=told) as caught:
        await check(server, entry)

    assert caught.value.code is Exit.USAGE

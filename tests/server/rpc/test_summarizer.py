"""The calls for one document, and those about models, over a real connection."""

import time

import grpc
import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.rpc.call import Deadlines
from server.types import Alternative, FinishReason
from tests.server.rpc.fakes import PIECES, Held, RunningServer, make_summary, serve_fake

# Long enough that it never passes in a test that should not see it pass.
LONG_S = 60.0


async def test_a_summary_arrives_with_every_field(server: RunningServer) -> None:
    answer = await server.stub.Summarize(pb.SummarizeRequest(document="Text.", request_id="r-1"))

    assert answer.summary == "A short summary."
    assert answer.finish_reason == pb.FINISH_REASON_STOP
    assert (answer.model, answer.model_version, answer.request_id) == ("fake", "1.2.3", "r-1")
    usage = answer.usage
    assert [
        usage.document_characters,
        usage.source_tokens,
        usage.source_tokens_dropped,
        usage.summary_tokens,
        usage.chunks,
    ] == [101, 102, 103, 104, 105]
    timings = answer.timings
    assert [
        part.ToMilliseconds()
        for part in (
            timings.queue,
            timings.tokenize,
            timings.encode,
            timings.decode,
            timings.total,
        )
    ] == [1, 2, 3, 250, 1500]
    assert answer.decoding == pb.Decoding(
        method=pb.DECODING_METHOD_GREEDY, steps=106, drafted_tokens=107, accepted_tokens=108
    )
    assert not answer.alternatives
    assert not answer.attributions
    assert not answer.HasField("seed")


async def test_several_summaries_and_the_seed_arrive(server: RunningServer) -> None:
    best, other = (
        Alternative(text=text, score=score, finish_reason=reason, summary_tokens=tokens)
        for text, score, reason, tokens in (
            ("A short summary.", -0.25, FinishReason.STOP, 4),
            ("Another", -0.5, FinishReason.LENGTH, 2),
        )
    )
    server.fake.script["Text."] = make_summary(alternatives=(best, other), seed=0)
    answer = await server.stub.Summarize(pb.SummarizeRequest(document="Text."))

    assert answer.HasField("seed")
    assert list(answer.alternatives) == [
        pb.Alternative(
            summary="A short summary.",
            score=-0.25,
            finish_reason=pb.FINISH_REASON_STOP,
            summary_tokens=4,
        ),
        pb.Alternative(
            summary="Another",
            score=-0.5,
            finish_reason=pb.FINISH_REASON_LENGTH,
            summary_tokens=2,
        ),
    ]


async def test_the_service_is_asked_for_what_the_caller_asked(server: RunningServer) -> None:
    await server.stub.Summarize(
        pb.SummarizeRequest(
            document="Text.",
            model="fake",
            model_version="1.2.3",
            style="headline",
            language="zh",
            options=pb.DecodingOptions(max_tokens=9, min_tokens=0, no_repeat_ngram_size=2),
        )
    )

    (asked,) = server.fake.requests
    assert (asked.document, asked.style, asked.language) == ("Text.", "headline", "zh")
    assert (asked.model, asked.model_version) == ("fake", "1.2.3")
    assert (asked.options.max_tokens, asked.options.min_tokens) == (9, 0)
    assert asked.options.no_repeat_ngram_size == 2
    assert asked.deadline_s is None
    assert not asked.wants_deltas


async def test_a_stream_sends_the_pieces_and_then_the_whole(server: RunningServer) -> None:
    messages = [
        message
        async for message in server.stub.SummarizeStream(pb.SummarizeRequest(document="Text."))
    ]

    assert [message.WhichOneof("event") for message in messages] == ["delta"] * 3 + ["final"]
    assert tuple(message.delta.text for message in messages[:-1]) == PIECES
    assert [message.delta.summary_tokens for message in messages[:-1]] == [2, 4, 6]
    assert messages[-1].final.summary == "".join(PIECES)


@pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])
async def test_a_caller_who_cancels_frees_what_the_request_holds(
    server: RunningServer, method: str
) -> None:
    server.fake.script["slow"] = Held()
    call = getattr(server.stub, method)(pb.SummarizeRequest(document="slow"))
    await server.fake.until_running(1)

    call.cancel()

    await server.fake.until_running(0)
    await server.open_calls.wait_until_none(LONG_S)
    assert server.sample("precis_requests_total", rpc=method, code="CANCELLED") == 1


async def test_a_stream_that_is_cancelled_halfway_is_closed(server: RunningServer) -> None:
    server.fake.script["slow"] = Held(pieces=("A", " b"))
    call = server.stub.SummarizeStream(pb.SummarizeRequest(document="slow"))
    assert (await call.read()).delta.text == "A"

    call.cancel()

    await server.fake.until_running(0)


async def test_a_deadline_that_passes_frees_what_the_request_holds(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Summarize(pb.SummarizeRequest(document="slow"), timeout=0.1)

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await server.fake.until_running(0)


async def test_the_service_hears_of_the_callers_deadline(server: RunningServer) -> None:
    before_s = time.monotonic()
    await server.stub.Summarize(pb.SummarizeRequest(document="Text."), timeout=LONG_S)

    (asked,) = server.fake.requests
    assert asked.deadline_s is not None
    assert before_s < asked.deadline_s < time.monotonic() + LONG_S + 1


async def test_a_request_that_comes_after_its_deadline_is_never_begun() -> None:
    deadlines = Deadlines(max_s=-1.0)
    async with serve_fake(deadlines=deadlines) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.Summarize(pb.SummarizeRequest(document="Text."))

    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.fake.requests == []


async def test_models_are_described_with_the_default_style_first(server: RunningServer) -> None:
    listed = (await server.stub.ListModels(pb.ListModelsRequest())).models
    described = await server.stub.GetModel(pb.GetModelRequest(model="fake"))

    assert list(listed) == [described]
    assert (described.name, described.version) == ("fake", "1.2.3")
    assert described.description == "Answers by script."
    assert [style.name for style in described.styles] == ["brief", "headline", "extract"]
    assert described.styles[0].description == "One sentence."
    assert described.styles[0].default_options == pb.DecodingOptions(
        max_tokens=64, min_tokens=2, no_repeat_ngram_size=3, no_repeat_word_ngram_size=4
    )
    assert described.default_style == "brief"
    assert list(described.languages) == ["en", "zh"]
    assert described.limits == pb.Limits(
        max_source_tokens=1022,
        max_summary_tokens=128,
        max_document_bytes=100_000,
        max_batch_in_flight=4,
    )
    assert (described.precision, described.license) == ("int8", "Apache-2.0")
    assert described.requested_provider == "cpu"
    assert described.actual_provider == "CPUExecutionProvider"
    assert described.instruction_set == "avx512-vnni"
    assert not described.provider_fallback
    assert described.provider_fallback_reason == ""
    assert described.bundle_sha256 == "ab" * 32
    assert list(described.capabilities) == ["sampling"]


async def test_an_unknown_model_is_not_found(server: RunningServer) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.GetModel(pb.GetModelRequest(model="other"))

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "fake version 1.2.3" in caught.value.details()

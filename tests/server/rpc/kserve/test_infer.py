"""ModelInfer over a real connection: documents in a tensor, summaries in others."""

import io
import time
from typing import Any

import grpc
import pytest

from server.errors import EngineFailure, Overloaded
from server.types import Length, LongDocuments
from tests.server.rpc.fakes import Held, RunningServer, lines, make_summary, serve_fake
from tests.server.rpc.kserve.asking import SERVICE, parameter, refusal, request, tensor, values

FORMS = pytest.mark.parametrize("is_raw", [True, False], ids=["raw", "contents"])


@FORMS
@pytest.mark.parametrize("shape", [[2], [2, 1]])
async def test_each_document_of_a_batch_has_its_summary_in_its_place(
    server: RunningServer, stub: Any, is_raw: bool, shape: list[int]
) -> None:
    server.fake.script |= {"One.": make_summary(text="First."), "二。": make_summary(text="第二。")}

    response = await stub.ModelInfer(request("One.", "二。", is_raw=is_raw, shape=shape, id="r-1"))

    assert values(response, "text_output") == ["First.", "第二。"]
    assert values(response, "finish_reason") == ["stop", "stop"]
    assert values(response, "reading") == ["whole", "whole"]
    assert values(response, "warnings") == ["", ""]
    assert values(response, "source_tokens") == [102, 102]
    assert values(response, "summary_tokens") == [104, 104]
    assert bool(response.raw_output_contents) is is_raw
    assert {tuple(output.shape) for output in response.outputs} == {tuple(shape)}
    assert (response.model_name, response.model_version, response.id) == ("fake", "1.2.3", "r-1")


async def test_kserves_client_may_say_the_size_of_the_raw_contents(stub: Any) -> None:
    sent = tensor([1], parameters={"binary_data_size": parameter(9)})

    assert await stub.ModelInfer(request("Text.", inputs=[sent]))


async def test_only_the_outputs_asked_for_are_sent(stub: Any) -> None:
    response = await stub.ModelInfer(request("Text.", outputs=["summary_tokens", "text_output"]))

    assert [output.name for output in response.outputs] == ["summary_tokens", "text_output"]
    assert values(response, "text_output") == ["A short summary."]


async def test_parameters_reach_the_service(server: RunningServer, stub: Any) -> None:
    given = {
        "style": "headline",
        "language": "en",
        "long_document_policy": "truncate",
        "max_tokens": 12,
        "temperature": 0.5,
        "top_k": "7",
        "top_p": "0.25",
        "speculation": "false",
        "banned_phrases": "novel\nstate of the art",
    }
    await stub.ModelInfer(request("Text.", parameters=given))

    (asked,) = server.fake.requests
    assert (asked.style, asked.language) == ("headline", "en")
    assert asked.long_documents is LongDocuments.TRUNCATE
    assert asked.options.max_tokens == 12
    assert (asked.options.temperature, asked.options.top_k, asked.options.top_p) == (0.5, 7, 0.25)
    assert asked.options.speculation is False
    assert asked.options.banned_phrases == ("novel", "state of the art")


async def test_parameters_of_quoted_summaries_reach_the_service(
    server: RunningServer, stub: Any
) -> None:
    given = {"style": "extract", "words": 30, "sentence_order": "rank", "bullets": True}
    await stub.ModelInfer(request("Text.", parameters=given))

    (asked,) = server.fake.requests
    assert (asked.length, asked.by_rank, asked.bullets) == (Length(words=30), True, True)


async def test_the_parameter_timeout_is_a_deadline(server: RunningServer, stub: Any) -> None:
    before_s = time.monotonic()
    await stub.ModelInfer(request("Text.", parameters={"timeout": 50_000_000}))
    await stub.ModelInfer(request("Text.", parameters={"timeout": 50_000_000}), timeout=20)

    longer, shorter = (asked.deadline_s for asked in server.fake.requests)
    assert longer is not None
    assert shorter is not None
    assert before_s + 50 < longer < time.monotonic() + 50
    assert shorter < longer - 10


async def test_documents_of_a_batch_run_side_by_side(server: RunningServer, stub: Any) -> None:
    server.fake.script |= {"a": Held(), "b": Held(), "c": Held()}
    call = stub.ModelInfer(request("a", "b", "c"))
    await server.fake.until_running(3)
    server.fake.let_go.set()

    assert len(values(await call, "text_output")) == 3


async def test_one_document_that_fails_fails_the_call_and_is_named(
    server: RunningServer, stub: Any
) -> None:
    server.fake.script |= {
        "slow": Held(),
        "bad": Overloaded("full", quota="documents", retry_after_s=2.0),
    }
    call = stub.ModelInfer(request("slow", "bad"))

    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await call.details() == "text_input[1]: full; try again in 2.0 s"
    assert dict(await call.trailing_metadata())["grpc-retry-pushback-ms"] == "2000"
    await server.fake.until_running(0)


async def test_what_the_model_refuses_is_named_in_the_words_of_this_protocol(stub: Any) -> None:
    bad = request("Text.", " ", parameters={"max_tokens": 9999})
    call = stub.ModelInfer(bad)

    code, fields = await refusal(call)
    assert code == "INVALID_ARGUMENT"
    assert set(fields) <= {"parameters.max_tokens", "text_input[1]"}
    assert "parameters.max_tokens: " in await call.details()


async def test_an_empty_document_is_named_by_its_index(stub: Any) -> None:
    code, fields = await refusal(stub.ModelInfer(request("Text.", " ")))

    assert (code, set(fields)) == ("INVALID_ARGUMENT", {"text_input[1]"})


async def test_a_fault_of_ours_is_logged_with_its_traceback(
    server: RunningServer, stub: Any, log: io.StringIO
) -> None:
    server.fake.script["bad"] = EngineFailure("a step failed")

    assert await stub.ModelInfer(request("bad")).code() is grpc.StatusCode.INTERNAL

    (fault,) = lines(log, "request failed")
    assert fault["rpc"] == "ModelInfer"
    (line,) = lines(log, "call ended")
    assert line["reason"] == "ENGINE_FAILURE"


async def test_a_call_is_one_line_with_the_counts_of_all_documents(
    server: RunningServer, stub: Any, log: io.StringIO
) -> None:
    await stub.ModelInfer(request("a", "b", id="r-1"))

    (line,) = lines(log, "call ended")
    assert (line["service"], line["rpc"]) == (SERVICE, "ModelInfer")
    assert (line["request_id"], line["items"]) == ("r-1", 2)
    assert (line["source_tokens"], line["summary_tokens"]) == (204, 208)
    labels = {"service": SERVICE, "rpc": "ModelInfer", "code": "OK"}
    assert server.sample("precis_requests_total", **labels) == 1


async def test_a_caller_that_goes_away_frees_every_document(
    server: RunningServer, stub: Any
) -> None:
    server.fake.script |= {"a": Held(), "b": Held()}
    call = stub.ModelInfer(request("a", "b"))
    await server.fake.until_running(2)

    call.cancel()

    await server.fake.until_running(0)


async def test_a_server_that_drains_sends_calls_elsewhere(server: RunningServer, stub: Any) -> None:
    server.open_calls.close()

    assert await stub.ModelInfer(request("Text.")).code() is grpc.StatusCode.UNAVAILABLE


async def test_without_it_the_service_is_not_there() -> None:
    async with serve_fake() as server:
        method = server.channel.unary_unary(f"/{SERVICE}/ServerLive")
        assert await method(b"").code() is grpc.StatusCode.UNIMPLEMENTED

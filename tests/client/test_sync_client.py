"""The client for threads against a real gRPC server that answers by script."""

from collections.abc import Iterator

import grpc
import pytest

from precis_client import (
    AttributionLevel,
    Client,
    DeadlineExceeded,
    DecodingOptions,
    Delta,
    InternalError,
    InvalidRequest,
    LongDocumentPolicy,
    NotFound,
    OffsetUnit,
    ServingStatus,
    Unavailable,
)
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Hang, Refusal, Reply, ScriptedServer

TOKEN = "s3cret"  # noqa: S105  # opens nothing
REFUSED = Refusal(grpc.StatusCode.INVALID_ARGUMENT, violations=(("document", "it is blank"),))
GENEROUS_S = 30


def test_what_the_caller_says_reaches_the_server(server: ScriptedServer, client: Client) -> None:
    client.summarize(
        "A document.",
        style="headline",
        language="zh",
        model="precis-default",
        model_version="2.0.0",
        options=DecodingOptions(max_tokens=40, temperature=0.5, early_stopping=False),
        long_document_policy=LongDocumentPolicy.TRUNCATE,
        attribution=AttributionLevel.WORD,
        offset_unit=OffsetUnit.UTF16,
        request_id="abc",
    )

    assert server.summarizer.requests == [
        pb.SummarizeRequest(
            document="A document.",
            style="headline",
            language="zh",
            model="precis-default",
            model_version="2.0.0",
            options=pb.DecodingOptions(max_tokens=40, temperature=0.5, early_stopping=False),
            long_document_policy=pb.LONG_DOCUMENT_POLICY_TRUNCATE,
            attribution=pb.ATTRIBUTION_LEVEL_WORD,
            offset_unit=pb.OFFSET_UNIT_UTF16,
            request_id="abc",
        )
    ]


def test_what_the_caller_leaves_out_is_not_sent(server: ScriptedServer, client: Client) -> None:
    client.summarize("A document.")

    assert server.summarizer.requests == [pb.SummarizeRequest(document="A document.")]


def test_the_request_id_comes_back(client: Client) -> None:
    assert client.summarize("A document.", request_id="abc").request_id == "abc"


def test_a_misspelt_field_is_a_type_error(client: Client) -> None:
    with pytest.raises(TypeError, match="styl"):
        client.summarize("A document.", styl="brief")  # type: ignore[call-arg]


def test_the_token_goes_with_every_kind_of_call(server: ScriptedServer) -> None:
    with Client(server.address, token=TOKEN) as client:
        client.summarize("A document.")
        list(client.stream("A document."))
        list(client.batch(["A document."]))

    sent = [metadata["authorization"] for metadata in server.summarizer.metadata]
    assert sent == [f"Bearer {TOKEN}"] * 3


def test_a_stream_gives_the_text_as_it_is_written_and_then_the_whole_answer(
    client: Client,
) -> None:
    stream = client.stream("A document.", request_id="abc")

    assert list(stream) == ["A short ", "summary."]
    assert stream.final == client.summarize("A document.", request_id="abc")


def test_a_stream_can_tell_how_many_tokens_are_written(client: Client) -> None:
    deltas = list(client.stream("A document.").deltas())

    assert deltas == [Delta("A short ", 1), Delta("summary.", 2)]


def test_a_stream_has_no_answer_before_its_end(client: Client) -> None:
    stream = client.stream("A document.")
    next(stream)

    with pytest.raises(RuntimeError, match="not been read to its end"):
        _ = stream.final


def test_leaving_a_stream_early_cancels_the_call(server: ScriptedServer, client: Client) -> None:
    server.summarizer.default = Hang(pieces=("First",))

    with client.stream("A document.") as stream:
        assert next(stream) == "First"

    assert server.summarizer.call_was_cancelled.wait(GENEROUS_S)


def test_a_stream_without_its_final_message_is_a_fault_of_the_server(
    server: ScriptedServer, client: Client
) -> None:
    server.summarizer.default = Reply(has_final=False)

    with pytest.raises(InternalError, match="final message"):
        list(client.stream("A document."))


def test_a_refused_stream_says_so_when_it_is_read(server: ScriptedServer, client: Client) -> None:
    server.summarizer.default = REFUSED
    stream = client.stream("  ")

    with pytest.raises(InvalidRequest) as caught:
        next(stream)

    assert caught.value.field_violations[0].field == "document"


def test_each_item_of_a_batch_answers_or_fails_by_itself(
    server: ScriptedServer, client: Client
) -> None:
    server.summarizer.script["bad"] = REFUSED

    results = {each.item_id: each for each in client.batch(["good", "bad", ("mine", "good")])}

    assert results.keys() == {"0", "1", "mine"}
    assert results["0"].unwrap().summary == "A short summary."
    assert results["0"].error is None
    assert isinstance(results["1"].error, InvalidRequest)
    with pytest.raises(InvalidRequest):
        results["1"].unwrap()
    assert results["mine"].unwrap().model == "scripted"


def test_what_is_said_of_a_batch_is_said_of_each_item(
    server: ScriptedServer, client: Client
) -> None:
    list(client.batch(["one", "two"], style="headline"))

    assert server.summarizer.requests == [
        pb.SummarizeRequest(document="one", style="headline"),
        pb.SummarizeRequest(document="two", style="headline"),
    ]


def test_an_empty_batch_has_no_results(client: Client) -> None:
    assert list(client.batch([])) == []


def test_documents_that_fail_to_come_end_a_batch_after_the_answers_to_those_that_came(
    client: Client,
) -> None:
    def documents() -> Iterator[str]:
        yield "good"
        raise OSError("the disk is gone")

    results = client.batch(documents())

    assert next(results).item_id == "0"
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)


def test_closing_a_batch_cancels_the_call(server: ScriptedServer, client: Client) -> None:
    server.summarizer.script["stuck"] = Hang()
    results = client.batch(["stuck", "good"])
    next(results)

    results.close()

    assert server.summarizer.call_was_cancelled.wait(GENEROUS_S)


def test_an_item_without_an_answer_is_a_fault_of_the_server(
    server: ScriptedServer, client: Client
) -> None:
    server.summarizer.loses_last_batch_item = True

    with pytest.raises(InternalError, match="1 documents unanswered"):
        list(client.batch(["one", "two"]))


def test_a_batch_of_one_bare_text_is_a_mistake(client: Client) -> None:
    with pytest.raises(TypeError, match="several documents"):
        client.batch("A document.")


def test_a_call_without_an_answer_in_time_ends(server: ScriptedServer, client: Client) -> None:
    server.summarizer.default = Hang()

    with pytest.raises(DeadlineExceeded):
        client.summarize("A document.", timeout_s=0.05)
    with pytest.raises(DeadlineExceeded):
        list(client.batch(["A document."], timeout_s=0.05))


def test_the_time_limit_of_the_client_holds_for_calls_without_their_own(
    server: ScriptedServer,
) -> None:
    server.summarizer.default = Hang()

    with Client(server.address, timeout_s=0.05) as client, pytest.raises(DeadlineExceeded):
        client.summarize("A document.")


def test_the_models_are_listed_and_described(client: Client) -> None:
    (listed,) = client.list_models()

    assert listed == client.get_model() == client.get_model("scripted", "1.2.3")
    assert listed.styles[0].default_options == DecodingOptions(
        max_tokens=64, min_tokens=0, no_repeat_ngram_size=3
    )
    assert listed.styles[1].default_options == DecodingOptions()
    assert listed.limits.max_source_tokens == 1022


def test_an_unknown_model_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="no model 'other'") as caught:
        client.get_model("other")

    assert caught.value.reason == "MODEL_UNKNOWN"


def test_the_health_service_tells_the_server_from_its_services(
    server: ScriptedServer, client: Client
) -> None:
    server.set_health("summarizer.v1.Summarizer", is_serving=False)

    assert client.health() is ServingStatus.SERVING
    assert client.health("summarizer.v1.Summarizer") is ServingStatus.NOT_SERVING
    with pytest.raises(NotFound):
        client.health("no.such.Service")


def test_a_server_that_is_not_there_is_unavailable(unused_address: str) -> None:
    with Client(unused_address) as client, pytest.raises(Unavailable):
        client.summarize("A document.")

"""Every field of a request of the Open Inference Protocol, wrong in every way."""

from typing import Any

import grpc
import pytest

from server.stubs.inference import inference_pb2 as proto
from tests.server.rpc.fakes import serve_fake
from tests.server.rpc.kserve.asking import Value, parameter, raw, refusal, request, tensor

INVALID, NOT_SERVED = "INVALID_ARGUMENT", "UNIMPLEMENTED"
Output = proto.ModelInferRequest.InferRequestedOutputTensor
FLOATS = proto.InferTensorContents(fp32_contents=[1.0])
TEXT = proto.InferTensorContents(bytes_contents=[b"Text."])
SHARED_MEMORY = {"shared_memory_region": parameter("r")}


def with_parameter(name: str, value: Value) -> proto.ModelInferRequest:
    return request("Text.", parameters={name: value})


CASES = [
    (request("Text.", id="with space"), INVALID, "id"),
    (request("Text.", id="x" * 129), INVALID, "id"),
    (request("Text.", inputs=[]), INVALID, "inputs"),
    (request("Text.", inputs=[tensor([1]), tensor([1])]), INVALID, "inputs"),
    (request("Text.", inputs=[tensor([1], name="text")]), INVALID, "inputs[0].name"),
    (request("Text.", inputs=[tensor([1], datatype="FP32")]), INVALID, "inputs[0].datatype"),
    (request("Text.", inputs=[tensor([1], datatype="")]), INVALID, "inputs[0].datatype"),
    (request("Text.", inputs=[tensor([])]), INVALID, "inputs[0].shape"),
    (request("Text.", inputs=[tensor([0])]), INVALID, "inputs[0].shape"),
    (request("Text.", inputs=[tensor([-1])]), INVALID, "inputs[0].shape"),
    (request("Text.", inputs=[tensor([1, 2])]), INVALID, "inputs[0].shape"),
    (request("Text.", inputs=[tensor([1, 1, 1])]), INVALID, "inputs[0].shape"),
    (request(*"abcde"), INVALID, "inputs[0].shape"),
    (
        request("Text.", inputs=[tensor([1], parameters=SHARED_MEMORY)]),
        NOT_SERVED,
        "inputs[0].parameters.shared_memory_region",
    ),
    (
        request("Text.", inputs=[tensor([1], parameters={"binary_data_size": parameter(8)})]),
        INVALID,
        "inputs[0].parameters.binary_data_size",
    ),
    (request("Text.", inputs=[tensor([1], contents=TEXT)]), INVALID, "inputs[0].contents"),
    (
        request(inputs=[tensor([1], contents=FLOATS)], raw_input_contents=[]),
        INVALID,
        "inputs[0].contents.bytes_contents",
    ),
    (
        request(inputs=[tensor([2], contents=TEXT)], raw_input_contents=[]),
        INVALID,
        "inputs[0].contents.bytes_contents",
    ),
    (request("a", "b", shape=[1]), INVALID, "raw_input_contents[0]"),
    (request("Text.", raw_input_contents=[b"\x05\0\0"]), INVALID, "raw_input_contents[0]"),
    (request("Text.", raw_input_contents=[b"\x05\0\0\0abcd"]), INVALID, "raw_input_contents[0]"),
    (request("Text.", raw_input_contents=[raw("a"), raw("b")]), INVALID, "raw_input_contents"),
    (request("a", "b", raw_input_contents=[raw("a", b"b\xff")]), INVALID, "text_input[1]"),
    (request("Text.", outputs=["summary"]), INVALID, "outputs[0].name"),
    (
        proto.ModelInferRequest(
            inputs=request("Text.").inputs,
            raw_input_contents=[raw("Text.")],
            outputs=[Output(name="text_output", parameters={"classification": parameter(3)})],
        ),
        NOT_SERVED,
        "outputs[0].parameters.classification",
    ),
    (with_parameter("max_token", 3), INVALID, "parameters.max_token"),
    (with_parameter("document", "Text."), INVALID, "parameters.document"),
    (with_parameter("max_tokens", "many"), INVALID, "parameters.max_tokens"),
    (with_parameter("max_tokens", 1.5), INVALID, "parameters.max_tokens"),
    (with_parameter("max_tokens", True), INVALID, "parameters.max_tokens"),
    (with_parameter("max_tokens", 2**31), INVALID, "parameters.max_tokens"),
    (with_parameter("max_tokens", 9999), INVALID, "parameters.max_tokens"),
    (with_parameter("seed", -1), INVALID, "parameters.seed"),
    (with_parameter("temperature", "hot"), INVALID, "parameters.temperature"),
    (with_parameter("temperature", True), INVALID, "parameters.temperature"),
    (with_parameter("top_p", 7.0), INVALID, "parameters.top_p"),
    (with_parameter("early_stopping", 1), INVALID, "parameters.early_stopping"),
    (with_parameter("long_document_policy", "cut"), INVALID, "parameters.long_document_policy"),
    (with_parameter("long_document_policy", 1), INVALID, "parameters.long_document_policy"),
    (with_parameter("style", 1), INVALID, "parameters.style"),
    (with_parameter("style", "sonnet"), INVALID, "parameters.style"),
    (
        request("Text.", parameters={"style": "extract", "words": -1}),
        INVALID,
        "parameters.words",
    ),
    (with_parameter("words", 9), INVALID, "parameters.words, parameters.sentences"),
    (with_parameter("banned_phrases", 1), INVALID, "parameters.banned_phrases"),
    (with_parameter("timeout", 0), INVALID, "parameters.timeout"),
    (with_parameter("timeout", "soon"), INVALID, "parameters.timeout"),
    (with_parameter("priority", 1), NOT_SERVED, "parameters.priority"),
    (with_parameter("sequence_id", 7), NOT_SERVED, "parameters.sequence_id"),
    (with_parameter("num_summaries", 2), NOT_SERVED, "parameters.num_summaries"),
    (with_parameter("attribution", "sentence"), NOT_SERVED, "parameters.attribution"),
    (with_parameter("max_tokens", None), INVALID, "parameters.max_tokens"),
]


@pytest.mark.parametrize(("bad", "code", "field"), CASES, ids=[case[2] for case in CASES])
async def test_what_is_wrong_is_refused_by_its_field(
    stub: Any, bad: proto.ModelInferRequest, code: str, field: str
) -> None:
    said, fields = await refusal(stub.ModelInfer(bad))

    assert (said, list(fields)) == (code, [field])
    assert fields[field]


async def test_all_that_is_wrong_is_said_at_once(stub: Any) -> None:
    bad = request("Text.", parameters={"max_tokens": "many", "styl": "brief", "top_k": True})

    _, fields = await refusal(stub.ModelInfer(bad))

    assert set(fields) == {"parameters.max_tokens", "parameters.styl", "parameters.top_k"}


async def test_the_value_and_what_was_expected_are_told(stub: Any) -> None:
    bad = request("Text.", parameters={"max_tokens": "many", "sentence_order": "length"})

    _, fields = await refusal(stub.ModelInfer(bad))

    assert fields == {
        "parameters.max_tokens": "is 'many', a whole number expected",
        "parameters.sentence_order": "is 'length', one of document, rank expected",
    }


@pytest.mark.parametrize("change", [{"model_name": "other"}, {"model_version": "9"}])
async def test_an_unknown_model_is_not_found(stub: Any, change: dict[str, str]) -> None:
    call = stub.ModelInfer(request("Text.", **change))

    assert await call.code() is grpc.StatusCode.NOT_FOUND
    assert "fake version 1.2.3" in await call.details()


async def test_a_priority_of_none_is_taken(stub: Any) -> None:
    assert await stub.ModelInfer(request("Text.", parameters={"priority": 0}))


async def test_a_message_over_the_limit_is_refused_with_its_size() -> None:
    from server.stubs.inference.inference_pb2_grpc import GRPCInferenceServiceStub

    async with serve_fake(kserve=True, max_message_bytes=2000) as server:
        stub: Any = GRPCInferenceServiceStub(server.channel)
        code, fields = await refusal(stub.ModelInfer(request("x" * 3000)))

    assert code == INVALID
    assert "at most 2000 are taken" in fields["(message)"]

"""Messages of the Open Inference Protocol <-> the server's own words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server.errors import InvalidRequest, Violation
from server.rpc.call import is_valid_id
from server.rpc.convert import id_violation, to_request
from server.rpc.kserve.parameters import parameter_of, read_parameters
from server.rpc.kserve.tensors import (
    DECLARED_SHAPE,
    OUTPUT_TYPES,
    TEXT_INPUT,
    TEXT_OUTPUT,
    Documents,
    Element,
    add_output,
    read_documents,
    requested_outputs,
)
from server.rpc.status import Failure, reworded
from server.stubs.inference import inference_pb2 as proto
from server.types import Delta, ServedModel, Summary, SummaryRequest

_FINAL = "triton_final_response"
_PLATFORM = "onnx_onnxv1"
_OTHER_NAMES = {
    "model": "model_name",
    "request_id": "id",
    "length": "parameters.words, parameters.sentences",
}


@dataclass(frozen=True, slots=True)
class Inference:
    """A request that can be read: what to summarise, and in which form to answer."""

    id: str
    requests: tuple[SummaryRequest, ...]
    documents: Documents
    outputs: tuple[str, ...]


def to_inference(
    message: proto.ModelInferRequest,
    *,
    request_id: str,
    deadline_s: float | None,
    now_s: float,
    max_documents: int,
    wants_deltas: bool,
) -> Inference:
    """Reads a request. Raises InvalidRequest or NotServed; the model checks the rest later."""
    if message.id and not is_valid_id(message.id):
        raise InvalidRequest(id_violation("id", message.id))
    documents = read_documents(message, max_documents=max_documents)
    outputs = requested_outputs(message)
    parameters = read_parameters(message.parameters)
    if parameters.timeout_s is not None:
        limit_s = now_s + parameters.timeout_s
        deadline_s = limit_s if deadline_s is None else min(limit_s, deadline_s)

    def request(text: str) -> SummaryRequest:
        wish = summarizer_pb2.SummarizeRequest(
            document=text, model=message.model_name, model_version=message.model_version
        )
        wish.MergeFrom(parameters.wishes)
        return to_request(
            wish, request_id=request_id, deadline_s=deadline_s, wants_deltas=wants_deltas
        )

    return Inference(message.id, tuple(map(request, documents.texts)), documents, outputs)


def to_response(inference: Inference, summaries: Sequence[Summary]) -> proto.ModelInferResponse:
    """Writes the answer to a request."""
    return _response(
        inference, summaries[0], lambda name: [_element(name, summary) for summary in summaries]
    )


def to_piece(
    inference: Inference, model: ServedModel, delta: Delta
) -> proto.ModelStreamInferResponse:
    """Writes a piece of a streamed answer."""
    response = proto.ModelInferResponse(
        model_name=model.manifest.name, model_version=model.manifest.version, id=inference.id
    )
    add_output(response, TEXT_OUTPUT, [delta.text], inference.documents)
    return _streamed(response, is_final=False)


def to_last_piece(inference: Inference, summary: Summary) -> proto.ModelStreamInferResponse:
    """Writes the end of a streamed answer: all but the text, which has been sent."""

    def elements(name: str) -> list[Element]:
        return [""] if name == TEXT_OUTPUT else [_element(name, summary)]

    return _streamed(_response(inference, summary, elements), is_final=True)


def to_stream_error(request_id: str, failure: Failure) -> proto.ModelStreamInferResponse:
    """Writes the end of a streamed request that failed."""
    return proto.ModelStreamInferResponse(
        error_message=failure.message, infer_response=proto.ModelInferResponse(id=request_id)
    )


def to_metadata(model: ServedModel) -> proto.ModelMetadataResponse:
    """Describes a model."""
    tensor = proto.ModelMetadataResponse.TensorMetadata
    return proto.ModelMetadataResponse(
        name=model.manifest.name,
        versions=[model.manifest.version],
        platform=_PLATFORM,
        inputs=[tensor(name=TEXT_INPUT, datatype="BYTES", shape=DECLARED_SHAPE)],
        outputs=[
            tensor(name=name, datatype=datatype, shape=DECLARED_SHAPE)
            for name, datatype in OUTPUT_TYPES.items()
        ],
    )


def in_these_words(failure: Failure, index: int, count: int) -> Failure:
    """Names fields as this protocol has them, and the document that failed."""
    document = f"{TEXT_INPUT}[{index}]"
    if not failure.violations:
        message = failure.message if count == 1 else f"{document}: {failure.message}"
        return reworded(failure, message, ())
    renamed = [
        Violation(_field(each.field, document), each.description) for each in failure.violations
    ]
    message = "; ".join(f"{each.field}: {each.description}" for each in renamed)
    return reworded(failure, message, renamed)


def _field(field: str, document: str) -> str:
    if field == "document":
        return document
    if (parameter := parameter_of(field)) is not None:
        return f"parameters.{parameter}"
    return _OTHER_NAMES.get(field, field)


def _response(
    inference: Inference, summary: Summary, elements: Callable[[str], Sequence[Element]]
) -> proto.ModelInferResponse:
    response = proto.ModelInferResponse(
        model_name=summary.model, model_version=summary.model_version, id=inference.id
    )
    for name in inference.outputs:
        add_output(response, name, elements(name), inference.documents)
    return response


def _streamed(
    response: proto.ModelInferResponse, *, is_final: bool
) -> proto.ModelStreamInferResponse:
    response.parameters[_FINAL].bool_param = is_final
    return proto.ModelStreamInferResponse(infer_response=response)


def _element(name: str, summary: Summary) -> Element:
    match name:
        case "finish_reason":
            return summary.finish_reason.value
        case "reading":
            return summary.way.value
        case "warnings":
            return "\n".join(each.message for each in summary.warnings)
        case "source_tokens":
            return summary.usage.source_tokens
        case "summary_tokens":
            return summary.usage.summary_tokens
        case _:
            return summary.text

"""Requests of the Open Inference Protocol, and what comes back, for its tests."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from google.rpc import error_details_pb2, status_pb2

from server.stubs.inference import inference_pb2 as proto

SERVICE = "inference.GRPCInferenceService"


Value = bool | int | float | str | None


def parameter(value: Value) -> proto.InferParameter:
    """A parameter, in the field that a stock client puts a value of this type in."""
    if value is None:
        return proto.InferParameter()
    for kind, name in ((bool, "bool"), (int, "int64"), (float, "double"), (str, "string")):
        if isinstance(value, kind):
            return proto.InferParameter(**{f"{name}_param": value})
    raise TypeError(value)


def raw(*texts: str | bytes) -> bytes:
    """Elements as raw contents have them."""
    encoded = [text.encode() if isinstance(text, str) else text for text in texts]
    return b"".join(struct.pack("<I", len(each)) + each for each in encoded)


def tensor(shape: Sequence[int], **changes: Any) -> proto.ModelInferRequest.InferInputTensor:
    fields: dict[str, Any] = {"name": "text_input", "datatype": "BYTES", "shape": shape}
    return proto.ModelInferRequest.InferInputTensor(**fields | changes)


def request(
    *texts: str,
    is_raw: bool = True,
    shape: Sequence[int] | None = None,
    parameters: Mapping[str, Value] | None = None,
    outputs: Sequence[str] = (),
    **changes: Any,
) -> proto.ModelInferRequest:
    """A request for summaries of these texts."""
    sent = tensor(shape or [len(texts), 1])
    fields: dict[str, Any] = {
        "model_name": "fake",
        "inputs": [sent],
        "parameters": {name: parameter(value) for name, value in (parameters or {}).items()},
        "outputs": [proto.ModelInferRequest.InferRequestedOutputTensor(name=o) for o in outputs],
    }
    if is_raw:
        fields["raw_input_contents"] = [raw(*texts)]
    else:
        sent.contents.bytes_contents.extend(text.encode() for text in texts)
    return proto.ModelInferRequest(**fields | changes)


def values(response: proto.ModelInferResponse, name: str) -> list[Any]:
    """The elements of an output, whatever form they came in."""
    names = [output.name for output in response.outputs]
    output = response.outputs[names.index(name)]
    if not response.raw_output_contents:
        texts = [each.decode() for each in output.contents.bytes_contents]
        return texts or list(output.contents.int64_contents)
    content = response.raw_output_contents[names.index(name)]
    if output.datatype == "INT64":
        return [each for (each,) in struct.iter_unpack("<q", content)]
    found = []
    while content:
        size = struct.unpack_from("<I", content)[0]
        found.append(content[4 : 4 + size].decode())
        content = content[4 + size :]
    return found


async def refusal(call: Any) -> tuple[str, dict[str, str]]:
    """The code of a failed call, and what it says of each field."""
    metadata = dict(await call.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    fields = {}
    for packed in status.details:
        bad = error_details_pb2.BadRequest()
        if packed.Unpack(bad):
            fields = {each.field: each.description for each in bad.field_violations}
    return (await call.code()).name, fields

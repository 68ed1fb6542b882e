"""Tensors: documents out of a request, and what came of them into a response.

A tensor of text has the type BYTES. Its elements are a list in `contents`, or one run of bytes in
the raw contents, each element after its length in four bytes.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from server.errors import InvalidRequest, NotServed, Violation
from server.stubs.inference import inference_pb2 as proto

TEXT_INPUT = "text_input"
TEXT_OUTPUT = "text_output"
# A batch of any size, of one text each.
DECLARED_SHAPE = (-1, 1)
OUTPUT_TYPES: Mapping[str, str] = {
    TEXT_OUTPUT: "BYTES",
    "finish_reason": "BYTES",
    "reading": "BYTES",
    "warnings": "BYTES",
    "source_tokens": "INT64",
    "summary_tokens": "INT64",
}

_TENSOR = "inputs[0]"
_RAW = "raw_input_contents"
# What KServe's client sends beside the raw contents, as HTTP would need it.
_RAW_SIZE = "binary_data_size"
_LENGTH = struct.Struct("<I")

Element = str | int


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a request, and how it had them: the response has the same form."""

    texts: tuple[str, ...]
    shape: tuple[int, ...]
    is_raw: bool


def read_documents(message: proto.ModelInferRequest, *, max_documents: int) -> Documents:
    """Reads the one tensor that a request must have. Raises InvalidRequest or NotServed."""
    if len(message.inputs) != 1:
        problem = f"has {len(message.inputs)} tensors, one named {TEXT_INPUT} expected"
        raise InvalidRequest(Violation("inputs", problem))
    (tensor,) = message.inputs
    if wrong := list(_problems(message, tensor, max_documents)):
        raise InvalidRequest(*wrong)
    if unserved := set(tensor.parameters) - {_RAW_SIZE}:
        raise NotServed(_unserved(f"{_TENSOR}.parameters", unserved))
    is_raw = bool(message.raw_input_contents)
    elements = (
        _elements(message.raw_input_contents[0]) if is_raw else tensor.contents.bytes_contents
    )
    if len(elements) != tensor.shape[0]:
        field = f"{_RAW}[0]" if is_raw else f"{_TENSOR}.contents.bytes_contents"
        problem = f"has {len(elements)} elements, the shape {[*tensor.shape]} has {tensor.shape[0]}"
        raise InvalidRequest(Violation(field, problem))
    texts = tuple(_text(index, element) for index, element in enumerate(elements))
    return Documents(texts, tuple(tensor.shape), is_raw)


def requested_outputs(message: proto.ModelInferRequest) -> tuple[str, ...]:
    """The names of the tensors to send back: those asked for, or all."""
    wrong = [
        Violation(
            f"outputs[{index}].name",
            f"is {output.name!r}, must be one of {', '.join(OUTPUT_TYPES)}",
        )
        for index, output in enumerate(message.outputs)
        if output.name not in OUTPUT_TYPES
    ]
    if wrong:
        raise InvalidRequest(*wrong)
    for index, output in enumerate(message.outputs):
        if output.parameters:
            unserved = set(output.parameters)
            raise NotServed(_unserved(f"outputs[{index}].parameters", unserved))
    return tuple(dict.fromkeys(output.name for output in message.outputs)) or tuple(OUTPUT_TYPES)


def add_output(
    response: proto.ModelInferResponse, name: str, elements: Sequence[Element], like: Documents
) -> None:
    """Adds a tensor with one element for each document, in the documents' shape and form."""
    datatype = OUTPUT_TYPES[name]
    tensor = response.outputs.add(name=name, datatype=datatype, shape=like.shape)
    encoded = [each.encode() if isinstance(each, str) else each for each in elements]
    if like.is_raw:
        response.raw_output_contents.append(b"".join(map(_raw, encoded)))
    elif datatype == "BYTES":
        tensor.contents.bytes_contents.extend(encoded)  # type: ignore[arg-type]
    else:
        tensor.contents.int64_contents.extend(encoded)  # type: ignore[arg-type]


def _problems(
    message: proto.ModelInferRequest,
    tensor: proto.ModelInferRequest.InferInputTensor,
    max_documents: int,
) -> Iterator[Violation]:
    if tensor.name != TEXT_INPUT:
        yield Violation(f"{_TENSOR}.name", f"is {tensor.name!r}, must be {TEXT_INPUT}")
    if tensor.datatype != "BYTES":
        yield Violation(f"{_TENSOR}.datatype", f"is {tensor.datatype!r}, must be BYTES")
    first, *others = tensor.shape[:3] or [0]
    if not 1 <= first <= max_documents or others not in ([], [1]):
        shown = f"{[*tensor.shape[:3]]}{' and so on' if len(tensor.shape) > 3 else ''}"
        expected = f"[n] or [n, 1] for n documents, n from 1 to {max_documents}"
        if max_documents == 1:
            expected = "[1] or [1, 1] for one document"
        problem = f"is {shown}, must be {expected}"
        yield Violation(f"{_TENSOR}.shape", problem)
    if len(message.raw_input_contents) > 1:
        problem = f"has {len(message.raw_input_contents)} entries, one for each input expected"
        yield Violation(_RAW, problem)
    if message.raw_input_contents and tensor.HasField("contents"):
        yield Violation(f"{_TENSOR}.contents", f"must not be set together with {_RAW}")
    if _RAW_SIZE in tensor.parameters:
        said, size = (
            tensor.parameters[_RAW_SIZE].int64_param,
            sum(map(len, message.raw_input_contents)),
        )
        if said != size:
            yield Violation(
                f"{_TENSOR}.parameters.{_RAW_SIZE}", f"is {said}, {_RAW} has {size} bytes"
            )


def _unserved(field: str, names: Set[str]) -> Violation:
    return Violation(f"{field}.{min(names)}", "is not served by this server: leave it out")


def _elements(raw: bytes) -> list[bytes]:
    elements: list[bytes] = []
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        size = _LENGTH.unpack_from(raw, at)[0] if start <= len(raw) else 0
        at = start + size
        if at > len(raw):
            problem = f"ends within element {len(elements)}: has {len(raw)} bytes, {at} needed"
            raise InvalidRequest(Violation(f"{_RAW}[0]", problem))
        elements.append(raw[start:at])
    return elements


def _text(index: int, element: bytes) -> str:
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8: byte 0x{element[error.start]:02x} at {error.start}"
        raise InvalidRequest(Violation(f"{TEXT_INPUT}[{index}]", problem)) from None


def _raw(element: bytes | int) -> bytes:
    if isinstance(element, int):
        return element.to_bytes(8, "little", signed=True)
    return _LENGTH.pack(len(element)) + element

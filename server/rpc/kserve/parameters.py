"""Parameters of a request: how to summarise, by the names that summarizer.v1 has for it.

The names are read from summarizer.v1's own messages, so an option added there is served here too.
Those of its fields that a response of this protocol has no place for are refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server.errors import InvalidRequest, NotServed, Violation
from server.stubs.inference import inference_pb2 as proto

# Triton's own, which its clients send.
_TIMEOUT = "timeout"
_PRIORITY = "priority"
_ENABLE_FINAL = "triton_enable_empty_final_response"
_SEQUENCES = {"sequence_id", "sequence_start", "sequence_end"}

_FIELDS_OF_THE_MESSAGE = {"document", "model", "model_version", "request_id"}
_WITHOUT_PLACE = {"num_summaries", "attribution"}
_MICROSECONDS = 1_000_000
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request's parameters say."""

    wishes: summarizer_pb2.SummarizeRequest
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in SummarizeRequest a parameter belongs."""

    path: tuple[str, ...]
    field: FieldDescriptor


# Any, because each kind of stub has its own type for a descriptor.
def _places(message: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, _Place]]:
    for field in message.fields:
        if field.message_type is not None:
            yield from _places(field.message_type, (*path, field.name))
        elif path or field.name not in _FIELDS_OF_THE_MESSAGE:
            yield field.name, _Place((*path, field.name), field)


_PLACES: Mapping[str, _Place] = dict(_places(summarizer_pb2.SummarizeRequest.DESCRIPTOR))
_NAME_OF_FIELD = {".".join(place.path): name for name, place in _PLACES.items()}


def parameter_of(field: str) -> str | None:
    """The parameter that sets this field of SummarizeRequest, such as "options.max_tokens"."""
    return _NAME_OF_FIELD.get(field)


def read_parameters(given: Mapping[str, proto.InferParameter]) -> Parameters:
    """Reads all parameters. Raises InvalidRequest or NotServed, for all that is wrong at once."""
    wishes, wrong, unserved = summarizer_pb2.SummarizeRequest(), [], []
    timeout_s = None
    for name, parameter in sorted(given.items()):
        value = _value(parameter)
        field = f"parameters.{name}"
        try:
            if name == _TIMEOUT:
                timeout_s = _whole(value, 1, 2**63 - 1) / _MICROSECONDS
            elif name == _ENABLE_FINAL:
                _switch(value)  # the last response is never empty and always marked
            elif name in _SEQUENCES | _WITHOUT_PLACE or (name == _PRIORITY and value != 0):
                unserved.append(Violation(field, "is not served here: leave it out"))
            elif name in _PLACES:
                _set(wishes, _PLACES[name], value)
            elif name != _PRIORITY:
                raise ValueError("is no parameter of this server")
        except ValueError as error:
            wrong.append(Violation(field, str(error)))
    if wrong:
        raise InvalidRequest(*wrong)
    if unserved:
        raise NotServed(*unserved)
    return Parameters(wishes, timeout_s)


def _value(parameter: proto.InferParameter) -> Any:
    kind = parameter.WhichOneof("parameter_choice")
    return None if kind is None else getattr(parameter, kind)


def _set(wishes: summarizer_pb2.SummarizeRequest, place: _Place, value: Any) -> None:
    *parents, name = place.path
    message: Any = wishes
    for parent in parents:
        message = getattr(message, parent)
    field = place.field
    if field.is_repeated:
        getattr(message, name).extend(_text(value).splitlines())
        return
    setattr(message, name, _of_type(field, value))


def _of_type(field: FieldDescriptor, value: Any) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_BOOL:
            return _switch(value)
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return _number(value)
        case FieldDescriptor.CPPTYPE_INT32:
            return _whole(value, -(2**31), 2**31 - 1)
        case FieldDescriptor.CPPTYPE_UINT64:
            return _whole(value, 0, 2**64 - 1)
        case FieldDescriptor.CPPTYPE_ENUM:
            return _word(field.enum_type, value)
        case _:
            return _text(value)


def _switch(value: Any) -> bool:
    if isinstance(value, str):
        value = _WORDS.get(value.lower(), value)
    if not isinstance(value, bool):
        raise ValueError(f"is {_shown(value)}, true or false expected")
    return value


def _whole(value: Any, least: int, most: int) -> int:
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            raise ValueError(f"is {_shown(value)}, a whole number expected") from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"is {_shown(value)}, a whole number expected")
    if not least <= value <= most:
        raise ValueError(f"is {value}, a whole number from {least} to {most} expected")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"is {_shown(value)}, a number expected")
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"is {_shown(value)}, a number expected") from None


def _word(enum: EnumDescriptor | None, value: Any) -> int:
    assert enum is not None, "a field of an enum's type has that enum"
    prefix = enum.values[0].name.removesuffix("UNSPECIFIED")
    words = {each.name.removeprefix(prefix).lower(): each.number for each in enum.values[1:]}
    if not isinstance(value, str) or value.lower() not in words:
        raise ValueError(f"is {_shown(value)}, one of {', '.join(words)} expected")
    return words[value.lower()]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is {_shown(value)}, a text expected")
    return value


def _shown(value: Any) -> str:
    return "empty" if value is None else repr(value)[:60]

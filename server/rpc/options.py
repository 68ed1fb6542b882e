"""Reads the decoding options of a request.

An option that this server does not read is refused. None of today's is; that holds for options
added to the proto later, so none is ever ignored.
"""

from dataclasses import fields
from typing import Any

from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server.errors import Violation
from server.types import RequestedOptions

_SERVED = {field.name for field in fields(RequestedOptions)}


def requested_options(options: summarizer_pb2.DecodingOptions) -> RequestedOptions:
    """Takes over what is served; what is not set stays None."""
    given = {name: value for name, value in _given(options).items() if name in _SERVED}
    if "banned_phrases" in given:
        given["banned_phrases"] = tuple(given["banned_phrases"])
    return RequestedOptions(**given)


def unserved_options(options: summarizer_pb2.DecodingOptions) -> list[Violation]:
    """Names every option that would change the summary if only this server knew how."""
    problem = "but this server does not serve it: leave it out"
    return [
        Violation(f"options.{name}", f"is {value}, {problem}")
        for name, value in _given(options).items()
        if name not in _SERVED
    ]


def _given(options: summarizer_pb2.DecodingOptions) -> dict[str, Any]:
    return {field.name: value for field, value in options.ListFields()}

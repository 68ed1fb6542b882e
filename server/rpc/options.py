"""Checks the decoding options of a request: ranges as the proto states them, then what is served.

An option that this server does not read is refused. None of today's is; that holds for options
added to the proto later, so none is ever ignored.
"""

import math
from dataclasses import fields
from typing import Any

from bundle.decoding import OPTIONS, Range
from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server.errors import Violation, shown
from server.types import RequestedOptions

_SERVED = {field.name for field in fields(RequestedOptions)}
_MAX_PREFIX_CHARACTERS = 4096
_MAX_PHRASES = 128
_MAX_PHRASE_CHARACTERS = 256


def invalid_options(options: summarizer_pb2.DecodingOptions) -> list[Violation]:
    """Names every option whose value no server would take."""
    violations = []
    for name, value in _given(options).items():
        if isinstance(value, float) and not math.isfinite(value):
            violations.append(_violation(name, f"is {value}, must be a finite number"))
        elif (allowed := _range_of(name)) is not None and not allowed.holds(value):
            violations.append(_violation(name, f"is {shown(value)}, must be {allowed}"))
    return violations + _invalid_prefix(options.prefix) + _invalid_phrases(options.banned_phrases)


def _range_of(name: str) -> Range | None:
    return OPTIONS[name].range if name in OPTIONS else None


def _invalid_prefix(prefix: str) -> list[Violation]:
    if len(prefix) <= _MAX_PREFIX_CHARACTERS:
        return []
    problem = f"has {len(prefix)} characters, at most {_MAX_PREFIX_CHARACTERS} are served"
    return [_violation("prefix", problem)]


def _invalid_phrases(phrases: Any) -> list[Violation]:
    if len(phrases) > _MAX_PHRASES:
        problem = f"are {len(phrases)}, at most {_MAX_PHRASES} are served"
        return [_violation("banned_phrases", problem)]
    violations = []
    for index, phrase in enumerate(phrases):
        if not phrase.strip():
            violations.append(_violation(f"banned_phrases[{index}]", "is empty or blank"))
        elif len(phrase) > _MAX_PHRASE_CHARACTERS:
            problem = f"has {len(phrase)} characters, at most {_MAX_PHRASE_CHARACTERS} are served"
            violations.append(_violation(f"banned_phrases[{index}]", problem))
    return violations


def unserved_options(options: summarizer_pb2.DecodingOptions) -> list[Violation]:
    """Names every option that would change the summary if only this server knew how."""
    return [
        _violation(name, f"is {value}, but this server does not serve it: leave it out")
        for name, value in _given(options).items()
        if name not in _SERVED
    ]


def requested_options(options: summarizer_pb2.DecodingOptions) -> RequestedOptions:
    """Takes over what is served; what is not set stays None."""
    given = {name: value for name, value in _given(options).items() if name in _SERVED}
    if "banned_phrases" in given:
        given["banned_phrases"] = tuple(given["banned_phrases"])
    return RequestedOptions(**given)


def _given(options: summarizer_pb2.DecodingOptions) -> dict[str, Any]:
    return {field.name: value for field, value in options.ListFields()}


def _violation(name: str, description: str) -> Violation:
    return Violation(f"options.{name}", description)

"""Checks the decoding options of a request: ranges as the proto states them, then what is served.

An option that this server does not read is refused. None of today's is; that holds for options
added to the proto later, so none is ever ignored.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server.errors import Violation, shown
from server.types import RequestedOptions

_SERVED = {field.name for field in fields(RequestedOptions)}
_MAX_PREFIX_CHARACTERS = 4096
_MAX_PHRASES = 128
_MAX_PHRASE_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class _Range:
    """Values that an option may have on any server; the model may narrow them."""

    low: float
    high: float = math.inf
    includes_low: bool = True

    def holds(self, value: float) -> bool:
        return (value >= self.low if self.includes_low else value > self.low) and value <= self.high

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{self.low:g} or more"
        return (
            f"from {self.low:g} to {self.high:g}"
            if self.includes_low
            else f"above {self.low:g} and up to {self.high:g}"
        )


_RANGES: Mapping[str, _Range] = {
    "max_tokens": _Range(1),
    "min_tokens": _Range(0),
    "num_beams": _Range(1, 16),
    "temperature": _Range(0, 5),
    "top_k": _Range(0),
    "top_p": _Range(0, 1, includes_low=False),
    "length_penalty": _Range(-10, 10),
    "repetition_penalty": _Range(0, 10, includes_low=False),
    "no_repeat_ngram_size": _Range(0, 16),
    "no_repeat_word_ngram_size": _Range(0, 16),
    "num_summaries": _Range(1, 16),
    "min_p": _Range(0, 1),
}


def invalid_options(options: summarizer_pb2.DecodingOptions) -> list[Violation]:
    """Names every option whose value no server would take."""
    violations = []
    for name, value in _given(options).items():
        if isinstance(value, float) and not math.isfinite(value):
            violations.append(_violation(name, f"is {value}, must be a finite number"))
        elif name in _RANGES and not _RANGES[name].holds(value):
            violations.append(_violation(name, f"is {shown(value)}, must be {_RANGES[name]}"))
    return violations + _invalid_prefix(options.prefix) + _invalid_phrases(options.banned_phrases)


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

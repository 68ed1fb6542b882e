"""Checks the decoding options of a request: ranges as the proto states them, then what is served.

An option that this server does not read is refused unless its value changes nothing. That holds for
options added to the proto later too, so none is ever ignored.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server.errors import Violation
from server.types import RequestedOptions

_SERVED = ("max_tokens", "min_tokens", "no_repeat_ngram_size")


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
    "num_summaries": _Range(1, 16),
    "min_p": _Range(0, 1),
}

# The value that changes nothing. A seed has none: whoever sends one counts on it.
_NEUTRAL: Mapping[str, float | bool] = {
    "num_beams": 1,
    "temperature": 0.0,
    "top_k": 0,
    "top_p": 1.0,
    "length_penalty": 1.0,
    "repetition_penalty": 1.0,
    "num_summaries": 1,
    "min_p": 0.0,
    "early_stopping": False,
}


def invalid_options(options: summarizer_pb2.DecodingOptions) -> list[Violation]:
    """Names every option whose value no server would take."""
    violations = []
    for name, value in _given(options).items():
        if isinstance(value, float) and not math.isfinite(value):
            violations.append(_violation(name, f"is {value}, must be a finite number"))
        elif name in _RANGES and not _RANGES[name].holds(value):
            violations.append(_violation(name, f"is {value:g}, must be {_RANGES[name]}"))
    return violations


def unserved_options(options: summarizer_pb2.DecodingOptions) -> list[Violation]:
    """Names every option that would change the summary if only this server knew how."""
    violations = []
    for name, value in _given(options).items():
        if name in _SERVED or (name in _NEUTRAL and value == _NEUTRAL[name]):
            continue
        remedy = f" or set it to {_shown(_NEUTRAL[name])}" if name in _NEUTRAL else ""
        problem = f"is {_shown(value)}, but this server does not serve it: leave it out"
        violations.append(_violation(name, problem + remedy))
    return violations


def requested_options(options: summarizer_pb2.DecodingOptions) -> RequestedOptions:
    """Takes over what is served; what is not set stays None."""
    given = _given(options)
    return RequestedOptions(**{name: int(given[name]) for name in _SERVED if name in given})


def _given(options: summarizer_pb2.DecodingOptions) -> dict[str, float]:
    return {field.name: value for field, value in options.ListFields()}


def _violation(name: str, description: str) -> Violation:
    return Violation(f"options.{name}", description)


def _shown(value: float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"

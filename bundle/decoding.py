"""The decoding options in one table: what each may be, and which ways of decoding read it.

Manifest, exporter and server follow it; a test keeps their fields, the proto's and the client's
equal to it, so that no option is accepted in one place and dropped in another.
"""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Method(enum.Enum):
    """How the next token is chosen."""

    GREEDY = "greedy"
    SAMPLING = "sampling"
    BEAM_SEARCH = "beam search"


@dataclass(frozen=True, slots=True)
class Range:
    """Values that an option may have on any server; a model may narrow them."""

    low: float
    high: float = math.inf
    includes_low: bool = True

    def holds(self, value: float) -> bool:
        """Whether a value is within it."""
        return (value >= self.low if self.includes_low else value > self.low) and value <= self.high

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{self.low:g} or more"
        return (
            f"from {self.low:g} to {self.high:g}"
            if self.includes_low
            else f"above {self.low:g} and up to {self.high:g}"
        )


_EVERY = frozenset(Method)
_BEAMS = frozenset({Method.BEAM_SEARCH})
_SAMPLING = frozenset({Method.SAMPLING})


@dataclass(frozen=True, slots=True)
class Option:
    """One decoding option."""

    name: str
    range: Range | None = None
    # The value that changes nothing; None where there is none.
    neutral: Any = None
    # A bundle's default counts only for these ways of decoding.
    read_by: frozenset[Method] = _EVERY
    # Whether a bundle may set a default; the others belong to one request or to the server.
    in_bundle: bool = True


OPTIONS: Mapping[str, Option] = {
    option.name: option
    for option in (
        Option("max_tokens", Range(1)),
        Option("min_tokens", Range(0), 0),
        Option("num_beams", Range(1, 16), 1),
        Option("temperature", Range(0, 5), 0.0),
        Option("top_k", Range(0), 0, _SAMPLING),
        Option("top_p", Range(0, 1, includes_low=False), 1.0, _SAMPLING),
        Option("min_p", Range(0, 1), 0.0, _SAMPLING),
        # Whoever sends a seed counts on it: no value changes nothing.
        Option("seed", None, None, _SAMPLING, in_bundle=False),
        Option("length_penalty", Range(-10, 10), 1.0, _BEAMS),
        Option("early_stopping", None, False, _BEAMS),
        Option("num_summaries", Range(1, 16), 1, in_bundle=False),
        Option("repetition_penalty", Range(0, 10, includes_low=False), 1.0),
        Option("no_repeat_ngram_size", Range(0, 16), 0),
        Option("no_repeat_word_ngram_size", Range(0, 16), 0),
        Option("only_source_facts", None, False),
        Option("speculation", None, True, in_bundle=False),
        # Texts, which become token ids before decoding.
        Option("prefix", in_bundle=False),
        Option("banned_phrases", in_bundle=False),
    )
}


def method_of(said: Mapping[str, Any], defaults: Mapping[str, Any]) -> Method:
    """The way of decoding that a request asks for; what it leaves open, the defaults decide."""
    beams, temperature = said.get("num_beams"), said.get("temperature")
    if beams is None:
        beams = 1 if temperature else defaults.get("num_beams", 1)
    if temperature is None:
        temperature = 0 if beams > 1 else defaults.get("temperature", 0)
    if beams > 1:
        return Method.BEAM_SEARCH
    return Method.SAMPLING if temperature > 0 else Method.GREEDY


def wrong_defaults(defaults: Mapping[str, Any]) -> list[str]:
    """What is wrong with a bundle's defaults, a sentence each."""
    problems = [
        f"{name} is {value:g}, must be {option.range}"
        for name, value in defaults.items()
        if (option := OPTIONS[name]).range is not None and not option.range.holds(value)
    ]
    if defaults.get("num_beams", 1) > 1 and defaults.get("temperature", 0) > 0:
        problems.append("num_beams is above 1 and temperature above 0: beam search does not sample")
    if defaults.get("min_tokens", 0) > defaults["max_tokens"]:
        problems.append(
            f"min_tokens is {defaults['min_tokens']}, above max_tokens = {defaults['max_tokens']}"
        )
    return problems

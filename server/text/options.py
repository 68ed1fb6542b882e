"""Decoding options: ranges, defaults filled in, and which of them cannot stand together."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bundle.decoding import OPTIONS, Method, method_of
from bundle.manifest import Style
from server.errors import Violation, shown
from server.types import DecodingOptions, RequestedOptions, ServedModel

# They stay text until they are tokenised.
_TEXTS = ("prefix", "banned_phrases")
_MAX_PREFIX_CHARACTERS = 4096
_MAX_PHRASES = 128
_MAX_PHRASE_CHARACTERS = 256
# What only sampling reads, each with the value that changes nothing.
_SAMPLING_ONLY = {
    name: option.neutral for name, option in OPTIONS.items() if option.read_by == {Method.SAMPLING}
}


def fill_in(requested: RequestedOptions, style: Style, max_summary_tokens: int) -> DecodingOptions:
    """Gives every option that was not said its default: the style's, or what changes nothing.

    A default never clashes with what the caller did say: one that the way of decoding does not read
    is left out.
    """
    said = {
        field.name: value
        for field in fields(requested)
        if field.name not in _TEXTS and (value := getattr(requested, field.name)) is not None
    }
    defaults = style.defaults.said()
    method = method_of(said, defaults)
    filled: dict[str, Any] = {
        name: _default(option.name, defaults, method)
        for name, option in OPTIONS.items()
        if option.neutral is not None
    }
    filled["max_tokens"] = said.get("max_tokens", min(defaults["max_tokens"], max_summary_tokens))
    filled["min_tokens"] = min(filled["min_tokens"], filled["max_tokens"])
    return DecodingOptions(**filled | said)


def _default(name: str, defaults: dict[str, Any], method: Method) -> Any:
    option = OPTIONS[name]
    is_other_way = (name == "num_beams" and method is not Method.BEAM_SEARCH) or (
        name == "temperature" and method is not Method.SAMPLING
    )
    if is_other_way or method not in option.read_by:
        return option.neutral
    return defaults.get(name, option.neutral)


def find_option_violations(
    requested: RequestedOptions, options: DecodingOptions, model: ServedModel
) -> list[Violation]:
    """What no server, this model, or another option does not allow, the plainest first."""
    violations = [
        *_length_violations(requested, options, model.max_summary_tokens),
        *_range_violations(requested),
        *_prefix_violations(requested.prefix or ""),
        *_phrase_violations(requested.banned_phrases),
        *_vocabulary_violations(options, model.manifest.geometry.vocab_size),
    ]
    # With these out of range, nobody can say which way of decoding the request asks for.
    if options.num_beams >= 1 and options.temperature >= 0:
        violations += _sampling_violations(requested, options)
        violations += _beam_violations(options)
        violations += _count_violations(options)
    return violations


def _range_violations(requested: RequestedOptions) -> list[Violation]:
    violations = []
    for name, option in OPTIONS.items():
        value = getattr(requested, name)
        if isinstance(value, float) and not math.isfinite(value):
            violations.append(Violation(f"options.{name}", f"is {value}, must be a finite number"))
        elif value is not None and option.range is not None and not option.range.holds(value):
            problem = f"is {shown(value)}, must be {option.range}"
            violations.append(Violation(f"options.{name}", problem))
    return violations


def _prefix_violations(prefix: str) -> list[Violation]:
    if len(prefix) <= _MAX_PREFIX_CHARACTERS:
        return []
    problem = f"has {len(prefix)} characters, at most {_MAX_PREFIX_CHARACTERS} are served"
    return [Violation("options.prefix", problem)]


def _phrase_violations(phrases: Sequence[str]) -> list[Violation]:
    if len(phrases) > _MAX_PHRASES:
        problem = f"are {len(phrases)}, at most {_MAX_PHRASES} are served"
        return [Violation("options.banned_phrases", problem)]
    violations = []
    for index, phrase in enumerate(phrases):
        field = f"options.banned_phrases[{index}]"
        if not phrase.strip():
            violations.append(Violation(field, "is empty or blank"))
        elif len(phrase) > _MAX_PHRASE_CHARACTERS:
            problem = f"has {len(phrase)} characters, at most {_MAX_PHRASE_CHARACTERS} are served"
            violations.append(Violation(field, problem))
    return violations


def _length_violations(
    requested: RequestedOptions, options: DecodingOptions, max_summary_tokens: int
) -> list[Violation]:
    if not 1 <= options.max_tokens <= max_summary_tokens:
        problem = f"is {options.max_tokens}, must be from 1 to {max_summary_tokens}"
        return [Violation("options.max_tokens", problem)]
    if options.min_tokens > options.max_tokens:
        said = ", whose default here is" if requested.max_tokens is None else " ="
        limit = f"options.max_tokens{said} {options.max_tokens}"
        problem = f"is {options.min_tokens}, must be at most {limit}"
        return [Violation("options.min_tokens", problem)]
    return []


def _sampling_violations(requested: RequestedOptions, options: DecodingOptions) -> list[Violation]:
    """Beams do not sample, and greedy decoding draws nothing."""
    if options.method is Method.SAMPLING:
        return []
    given = [
        (name, value)
        for name, neutral in _SAMPLING_ONLY.items()
        if (value := getattr(requested, name)) not in (None, neutral)
    ]
    if options.num_beams > 1:
        if options.temperature > 0:
            given.insert(0, ("temperature", options.temperature))
        problem = f"but options.num_beams is {options.num_beams}, and beam search does not sample"
    else:
        problem = "but options.temperature is 0, and nothing is sampled: set it above 0"
    return [Violation(f"options.{name}", f"is {shown(value)}, {problem}") for name, value in given]


def _vocabulary_violations(options: DecodingOptions, vocab_size: int) -> list[Violation]:
    if options.top_k <= vocab_size:
        return []
    problem = f"is {options.top_k}, must be at most the vocabulary's size = {vocab_size}"
    return [Violation("options.top_k", problem)]


def _beam_violations(options: DecodingOptions) -> list[Violation]:
    """What compares summaries needs several of them."""
    if options.num_beams > 1:
        return []
    violations = []
    if options.early_stopping:
        problem = "is true, but options.num_beams is 1, and there are no beams to stop"
        violations.append(Violation("options.early_stopping", problem))
    compares_samples = options.method is Method.SAMPLING and options.num_summaries > 1
    if options.length_penalty != 1 and not compares_samples:
        problem = (
            f"is {shown(options.length_penalty)}, but options.num_beams is 1 and "
            f"{_only_one(options)}, so no summaries are compared"
        )
        violations.append(Violation("options.length_penalty", problem))
    return violations


def _only_one(options: DecodingOptions) -> str:
    if options.method is Method.SAMPLING:
        return "options.num_summaries is 1"
    return "options.temperature is 0"


def _count_violations(options: DecodingOptions) -> list[Violation]:
    match options.method:
        case Method.BEAM_SEARCH if options.num_summaries > options.num_beams:
            limit = f"at most options.num_beams = {options.num_beams}"
            problem = f"is {options.num_summaries}, must be {limit}"
        case Method.GREEDY if options.num_summaries > 1:
            problem = (
                f"is {options.num_summaries}, but options.num_beams is 1 and options.temperature "
                "is 0, which gives one summary: set num_beams to as many, or temperature above 0"
            )
        case _:
            return []
    return [Violation("options.num_summaries", problem)]

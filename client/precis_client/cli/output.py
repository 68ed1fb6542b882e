"""Prints replies as text or as JSON."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any

from precis_client.errors import PrecisError
from precis_client.types import Alternative, Model, Summary


def print_text(summary: Summary) -> None:
    """Prints the summary, or all of several, best first, each under its rank and score."""
    print_line("\n\n".join(_ranked(summary.alternatives)) or summary.summary)


def print_others(summary: Summary) -> None:
    """Prints the summaries beside the best one, which has been printed already."""
    for text in _ranked(summary.alternatives)[1:]:
        print_line(f"\n{text}")


def _ranked(alternatives: Sequence[Alternative]) -> list[str]:
    return [
        f"[{rank}, score {each.score:g}]\n{each.summary}"
        for rank, each in enumerate(alternatives, start=1)
    ]


def print_piece(text: str) -> None:
    """Prints a piece of a summary at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_line(text: str) -> None:
    """Prints a line at once, so that a reader of a pipe sees results as they come."""
    print_piece(f"{text}\n")


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Prints one JSON value, by default in one line."""
    print_line(json.dumps(value, ensure_ascii=False, indent=indent))


def complain(sentence: str) -> None:
    """Says on stderr, in one line, what went wrong."""
    sys.stderr.write(f"precis: {sentence}\n")


def as_json(value: Any) -> Any:
    """Turns one of this package's values into what JSON can say, under the same names."""
    return _plain(dataclasses.asdict(value))


def error_as_json(error: PrecisError) -> dict[str, Any]:
    """Turns an error into what JSON can say."""
    return {
        "code": error.code,
        "reason": error.reason,
        "message": error.message,
        "field_violations": [as_json(each) for each in error.field_violations],
        "retry_after_s": error.retry_after_s,
    }


def model_as_text(model: Model) -> str:
    """Describes a model in a few lines for people."""
    limits = model.limits
    lines = [
        f"{model.name} {model.version}",
        f"  {model.description}",
        f"  languages: {', '.join(model.languages)}",
        f"  limits: {limits.max_source_tokens} source tokens, "
        f"{limits.max_summary_tokens} summary tokens, {limits.max_document_bytes} bytes",
        f"  runs on: {model.actual_provider} in {model.precision}"
        f"{_processor(model)}{_fallback(model)}",
        f"  can also: {', '.join(model.capabilities)}"
        if model.capabilities
        else "  greedy decoding only",
        "  styles:",
    ]
    for style in model.styles:
        default = " (default)" if style.name == model.default_style else ""
        lines.append(f"    {style.name}{default}: {style.description}")
    return "\n".join(lines)


def _processor(model: Model) -> str:
    return f" on {model.instruction_set}" if model.instruction_set else ""


def _fallback(model: Model) -> str:
    reason = model.provider_fallback_reason
    return f" (fell back: {reason})" if reason else ""


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value

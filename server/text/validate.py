"""What a request may ask of the model.

Every violation is collected, so that a caller mends all of them at once.
"""

from dataclasses import dataclass

from bundle.manifest import Manifest, Style
from server.errors import InvalidRequest, Violation
from server.types import DecodingOptions, RequestedOptions, ServedModel, SummaryRequest


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request with its style found and every default filled in."""

    style: Style
    options: DecodingOptions


def resolve(request: SummaryRequest, model: ServedModel) -> Resolved:
    """Finds the style and fills in the defaults, or raises InvalidRequest with all violations."""
    if violations := find_violations(request, model):
        raise InvalidRequest(*violations)
    style = _style(request, model)
    assert style is not None, "an unknown style is a violation"
    return Resolved(style, _fill_in(request.options, style, model.max_summary_tokens))


def find_violations(request: SummaryRequest, model: ServedModel) -> list[Violation]:
    """All that is wrong with a request for this model and can be said before tokenising."""
    violations = _document_violations(request.document, model.max_document_bytes)
    violations += _language_violations(request.language, model.manifest)
    style = _style(request, model)
    if style is None:
        known = ", ".join(style.name for style in model.manifest.styles)
        problem = f"{request.style!r} is unknown; this model has: {known}"
        violations.append(Violation("style", problem))
        style = model.manifest.styles[0]
    options = _fill_in(request.options, style, model.max_summary_tokens)
    return violations + _option_violations(request.options, options, model.max_summary_tokens)


def _style(request: SummaryRequest, model: ServedModel) -> Style | None:
    return model.manifest.style(request.style or model.manifest.default_style)


def check_source_tokens(num_tokens: int, model: ServedModel) -> None:
    """Refuses a document that does not fit the model; nothing is ever cut without being asked."""
    if num_tokens > model.max_source_tokens:
        problem = f"has {num_tokens} tokens, at most {model.max_source_tokens} are served"
        raise InvalidRequest(Violation("document", problem))


def check_text_bytes(text: str, longest_token_bytes: int | None, model: ServedModel) -> None:
    """Refuses what cannot fit before it is tokenised, which for a megabyte takes seconds."""
    if longest_token_bytes is None:
        return
    size_bytes = len(text.encode())
    if size_bytes > longest_token_bytes * model.max_source_tokens:
        least = -(-size_bytes // longest_token_bytes)
        problem = f"has more than {least - 1} tokens, at most {model.max_source_tokens} are served"
        raise InvalidRequest(Violation("document", problem))


def _document_violations(document: str, max_bytes: int) -> list[Violation]:
    if not document.strip():
        return [Violation("document", "is empty or blank; send at least one word")]
    # A character has at least one byte, which spares encoding what is plainly too long.
    is_plainly_too_long = len(document) > max_bytes
    size_bytes = len(document) if is_plainly_too_long else len(document.encode())
    if size_bytes > max_bytes:
        least = "at least " if is_plainly_too_long else ""
        problem = f"has {least}{size_bytes} bytes in UTF-8, at most {max_bytes} are served"
        return [Violation("document", problem)]
    return []


def _language_violations(language: str, manifest: Manifest) -> list[Violation]:
    """A regional tag such as "en-GB" counts as its language."""
    if not language or language.lower().split("-")[0] in manifest.languages:
        return []
    known = ", ".join(manifest.languages)
    return [Violation("language", f"{language!r} is not among the model's languages: {known}")]


def _fill_in(requested: RequestedOptions, style: Style, max_summary_tokens: int) -> DecodingOptions:
    def chosen(value: int | None, default: int) -> int:
        return default if value is None else value

    max_tokens = chosen(requested.max_tokens, min(style.defaults.max_tokens, max_summary_tokens))
    # A default must never clash with what the caller did say.
    default_min_tokens = min(style.defaults.min_tokens, max_tokens)
    return DecodingOptions(
        max_tokens=max_tokens,
        min_tokens=chosen(requested.min_tokens, default_min_tokens),
        no_repeat_ngram_size=chosen(
            requested.no_repeat_ngram_size, style.defaults.no_repeat_ngram_size
        ),
    )


def _option_violations(
    requested: RequestedOptions, options: DecodingOptions, max_summary_tokens: int
) -> list[Violation]:
    violations = []
    if not 1 <= options.max_tokens <= max_summary_tokens:
        problem = f"is {options.max_tokens}, must be from 1 to {max_summary_tokens}"
        violations.append(Violation("options.max_tokens", problem))
    elif options.min_tokens > options.max_tokens:
        said = ", whose default here is" if requested.max_tokens is None else " ="
        limit = f"options.max_tokens{said} {options.max_tokens}"
        problem = f"is {options.min_tokens}, must be at most {limit}"
        violations.append(Violation("options.min_tokens", problem))
    return violations

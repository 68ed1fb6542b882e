"""What a request may ask of the model.

Every violation is collected, so that a caller mends all of them at once.
"""

from dataclasses import dataclass

from bundle.manifest import Manifest, Style
from server.errors import InvalidRequest, Violation
from server.text.options import fill_in, find_option_violations
from server.types import DecodingOptions, ServedModel, SummaryRequest


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request with its style found and every default filled in.

    What it gives as text to begin with, or never to write, is still text: the options have no ids
    of it yet.
    """

    style: Style
    options: DecodingOptions
    prefix: str = ""
    banned_phrases: tuple[str, ...] = ()


def resolve(request: SummaryRequest, model: ServedModel) -> Resolved:
    """Finds the style and fills in the defaults, or raises InvalidRequest with all violations."""
    if violations := find_violations(request, model):
        raise InvalidRequest(*violations)
    style = _style(request, model)
    assert style is not None, "an unknown style is a violation"
    requested = request.options
    return Resolved(
        style,
        fill_in(requested, style, model.max_summary_tokens),
        requested.prefix or "",
        requested.banned_phrases,
    )


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
    options = fill_in(request.options, style, model.max_summary_tokens)
    return violations + find_option_violations(request.options, options, model)


def _style(request: SummaryRequest, model: ServedModel) -> Style | None:
    return model.manifest.style(request.style or model.manifest.default_style)


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

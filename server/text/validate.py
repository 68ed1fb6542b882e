"""What a request may ask of the model.

Every violation is collected, so that a caller mends all of them at once.
"""

from collections.abc import Iterable

from bundle.manifest import Manifest, Style
from server.errors import InvalidRequest, NotServed, Violation
from server.text.options import fill_in, find_option_violations
from server.types import DecodingOptions, ServedModel, SummaryRequest


def check(
    request: SummaryRequest, model: ServedModel, document_bytes: int | None
) -> tuple[Style, DecodingOptions]:
    """Finds the style and fills in the defaults.

    `document_bytes` is None for a document that has more characters than the model takes bytes.
    Raises InvalidRequest with all that is wrong, or else NotServed.
    """
    style = model.manifest.style(request.style or model.manifest.default_style)
    violations = [*request.violations]
    violations += _document_violations(request.document, document_bytes, model.max_document_bytes)
    violations += _language_violations(request.language, model.manifest)
    if style is None:
        known = ", ".join(style.name for style in model.manifest.styles)
        problem = f"{request.style!r} is unknown; this model has: {known}"
        violations.append(Violation("style", problem))
        style = model.manifest.styles[0]
    options = fill_in(request.options, style, model.max_summary_tokens)
    violations += find_option_violations(request.options, options, model)
    if violations:
        raise InvalidRequest(*_first_of_each_field(violations))
    if request.unserved:
        raise NotServed(*request.unserved)
    return style, options


def _document_violations(document: str, size_bytes: int | None, max_bytes: int) -> list[Violation]:
    if not document or document.isspace():
        return [Violation("document", "is empty or blank; send at least one word")]
    if size_bytes is not None and size_bytes <= max_bytes:
        return []
    size = f"at least {len(document)}" if size_bytes is None else str(size_bytes)
    problem = f"has {size} bytes in UTF-8, at most {max_bytes} are served"
    return [Violation("document", problem)]


def _language_violations(language: str, manifest: Manifest) -> list[Violation]:
    """A regional tag such as "en-GB" counts as its language."""
    if not language or language.lower().split("-")[0] in manifest.languages:
        return []
    known = ", ".join(manifest.languages)
    return [Violation("language", f"{language!r} is not among the model's languages: {known}")]


def _first_of_each_field(violations: Iterable[Violation]) -> Iterable[Violation]:
    """A number that no server takes often breaks other rules too."""
    first: dict[str, Violation] = {}
    for violation in violations:
        first.setdefault(violation.field, violation)
    return first.values()

"""What a request may ask of the model.

Every violation is collected, so that a caller mends all of them at once.
"""

from collections.abc import Iterable

from bundle.manifest import Manifest, Style
from server.errors import InvalidRequest, NotServed, Violation
from server.text.options import fill_in, find_option_violations
from server.text.styles import EXTRACT, served_styles
from server.types import (
    AttributionLevel,
    DecodingOptions,
    LongDocuments,
    RequestedOptions,
    ServedModel,
    SummaryRequest,
)


def check(
    request: SummaryRequest, model: ServedModel, document_bytes: int | None
) -> tuple[Style, DecodingOptions]:
    """Finds the style and fills in the defaults.

    `document_bytes` is None for a document that has more characters than the model takes bytes.
    Raises InvalidRequest with all that is wrong, or else NotServed.
    """
    styles = served_styles(model.manifest, model.max_summary_tokens)
    wanted = request.style or model.manifest.default_style
    style = next((style for style in styles if style.name == wanted), None)
    violations = [*request.violations]
    violations += _document_violations(request.document, document_bytes, model.max_document_bytes)
    violations += _language_violations(request.language, model.manifest)
    if style is None:
        known = ", ".join(style.name for style in styles)
        problem = f"{request.style!r} is unknown; this model has: {known}"
        violations.append(Violation("style", problem))
        style = styles[0]
    options = fill_in(request.options, style, model.max_summary_tokens)
    violations += find_option_violations(request.options, options, model)
    violations += _form_violations(request, style, options)
    if violations:
        raise InvalidRequest(*_first_of_each_field(violations))
    if unserved := [*request.unserved, *_unserved(request, model.manifest)]:
        raise NotServed(*unserved)
    return style, options


def writing_options(requested: RequestedOptions, options: DecodingOptions) -> list[str]:
    """Options in force that are about one text which the model writes from start to end."""
    asked = {
        "prefix": requested.prefix,
        "banned_phrases": requested.banned_phrases,
        "num_summaries": options.num_summaries > 1,
        "min_tokens": requested.min_tokens,
    }
    return [name for name, is_set in asked.items() if is_set]


def _form_violations(
    request: SummaryRequest, style: Style, options: DecodingOptions
) -> list[Violation]:
    """What cannot be asked of a summary that is put together from sentences, or of no other."""
    violations = []
    extracts, covers = style.name == EXTRACT, request.long_documents is LongDocuments.COVER
    if extracts or covers:
        way = 'style is "extract"' if extracts else "long_document_policy is COVER"
        violations += [
            Violation(
                f"options.{name}", f"is set, but {way}, which chooses sentences: leave it out"
            )
            for name in writing_options(request.options, options)
        ]
        if request.attribution is AttributionLevel.WORD:
            violations.append(Violation("attribution", f"is WORD, but {way}: ask for SENTENCE"))
        return violations
    for field, is_set in (
        ("length", request.length is not None),
        ("sentence_order", request.by_rank),
        ("bullets", request.bullets),
    ):
        if is_set:
            problem = 'is only for style "extract" and for long_document_policy COVER: leave it out'
            violations.append(Violation(field, problem))
    return violations


def _unserved(request: SummaryRequest, manifest: Manifest) -> list[Violation]:
    if request.attribution is None or manifest.geometry.copy_head:
        return []
    problem = (
        f"is {request.attribution.name}, but {manifest.name} has no copy head, which alone tells "
        "where words come from: leave it out"
    )
    return [Violation("attribution", problem)]


def _document_violations(document: str, size_bytes: int | None, max_bytes: int) -> list[Violation]:
    if not document or document.isspace():
        return [Violation("document", "is empty or blank; send at least one word")]
    if not any(map(str.isalnum, document)):
        problem = (
            f"has no letter and no digit in {len(document)} characters; send at least one word"
        )
        return [Violation("document", problem)]
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

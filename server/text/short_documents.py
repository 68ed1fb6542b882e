"""Documents of a few words, of which a model writes nonsense: they are their own summaries."""

from collections.abc import Sequence
from dataclasses import dataclass

from bundle.tokenizer import BundleTokenizer
from server.text.detokenise import whole_text
from server.types import (
    DecodingOptions,
    FinishReason,
    RequestedOptions,
    SummaryWarning,
    WarningCode,
)


@dataclass(frozen=True, slots=True)
class OwnSummary:
    """A document as the summary of itself."""

    text: str
    num_tokens: int
    finish_reason: FinishReason


def own_summary(
    document: str,
    ids: Sequence[int],
    requested: RequestedOptions,
    options: DecodingOptions,
    tokenizer: BundleTokenizer,
) -> OwnSummary | None:
    """The document, unless the request wants something of the text that it is not.

    As in every summary the end token counts, and is not there where the limit is reached.
    """
    if requested.prefix or requested.banned_phrases:
        return None
    if options.num_summaries > 1 or options.min_tokens > len(ids):
        return None
    if len(ids) < options.max_tokens:
        return OwnSummary(document, len(ids), FinishReason.STOP)
    cut = whole_text(tokenizer, ids[: options.max_tokens])
    return OwnSummary(cut, options.max_tokens, FinishReason.LENGTH)


def short_document_warning(num_tokens: int, fewest: int, *, is_returned: bool) -> SummaryWarning:
    """Says which of the two became of a document that is too short to summarise."""
    size = f"the document has {num_tokens} tokens, and below {fewest} this model's summaries are"
    if is_returned:
        message = f"{size} unreliable: the document is returned as it is"
        return SummaryWarning(WarningCode.DOCUMENT_RETURNED, message)
    return SummaryWarning(WarningCode.DOCUMENT_TOO_SHORT, f"{size} unreliable: check this one")

"""All of a job that is text: tokens of its windows, token ids of its options, warnings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.jobs.job import Job
from server.text.fit import tokens_that_fit
from server.text.language import language_warnings
from server.text.phrases import with_phrases
from server.text.short_documents import OwnSummary, own_summary, short_document_warning
from server.types import DecodingOptions, SummaryWarning


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a document: characters `start` up to `end`, counted in the caller's own text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a document that the model reads at once."""

    span: Span
    # What the encoder reads, the tokens that the style puts around every document included.
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a document gave."""

    # At least one, in the order of the document.
    windows: tuple[Window, ...]
    # They know the token ids of prefix and phrases.
    options: DecodingOptions
    warnings: tuple[SummaryWarning, ...] = ()
    # Set where the document is its own summary, and the model is not asked.
    own_summary: OwnSummary | None = None

    @property
    def num_tokens(self) -> int:
        """Tokens that the encoder reads, in all windows."""
        return sum(len(window.ids) for window in self.windows)


Split = Callable[[str], Sequence[Span]]
"""Divides a document into windows."""


def whole(document: str) -> Sequence[Span]:
    """The whole document as one window: one that is too long for the model is refused."""
    return (Span(0, len(document)),)


def read(job: Job, tokenizer: BundleTokenizer, split: Split = whole) -> Reading:
    """Tokenises a job's document and looks at its language.

    Raises InvalidRequest for a window that is longer than the model reads, and for a prefix or
    phrases that it cannot write.
    """
    document, style, manifest = job.request.document, job.style, job.model.manifest
    before = style.prefix_text or ""
    windows, texts = [], []
    for span in split(document):
        part = document[span.start : span.end]
        texts.append(normalise(part))
        ids = tokens_that_fit(part, before + texts[-1], tokenizer, job.model)
        windows.append(Window(span, [*style.prefix_ids, *ids, *style.suffix_ids]))
    reading = Reading(tuple(windows), with_ids(job, tokenizer))
    fewest = manifest.limits.min_source_tokens or 0
    if len(windows) == 1:
        own_ids = tokenizer.encode(texts[0]) if before else ids
        if len(own_ids) < fewest:
            own = own_summary(texts[0], own_ids, job.request.options, job.options, tokenizer)
            warning = short_document_warning(len(own_ids), fewest, is_returned=own is not None)
            return replace(reading, warnings=(warning,), own_summary=own)
    return replace(reading, warnings=language_warnings(" ".join(texts), manifest.languages))


def with_ids(job: Job, tokenizer: BundleTokenizer) -> DecodingOptions:
    """A job's options with the token ids of its prefix and phrases.

    Raises InvalidRequest for texts that the model cannot write.
    """
    requested = job.request.options
    return with_phrases(
        job.options,
        prefix=requested.prefix or "",
        banned_phrases=requested.banned_phrases,
        tokenizer=tokenizer,
        special=job.model.manifest.special_tokens,
    )

"""All of a job that is text: what the model reads, token ids of its options, warnings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bundle.manifest import Style
from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.errors import InvalidRequest, Violation
from server.jobs.attributing import source_of
from server.jobs.composing import Composition
from server.jobs.job import Job
from server.jobs.source import LongSource, Part
from server.text.attribution import Source
from server.text.fit import encode_within, too_long
from server.text.language import language_warnings
from server.text.phrases import with_phrases
from server.text.short_documents import OwnSummary, own_summary, short_document_warning
from server.types import DecodingOptions, LongDocuments, ReadingWay, SummaryWarning, TextSpan

# AUTO puts a summary together from sentences if it has room for this many tokens. A shorter one,
# such as a headline, is written from the document's key sentences.
_ROOM_FOR_SENTENCES = 64


@dataclass(frozen=True, slots=True)
class Window:
    """What the model reads at once."""

    # Parts of the document, in its order: one, unless sentences were selected.
    spans: tuple[TextSpan, ...]
    # What the encoder reads, the tokens that the style puts around every document included.
    ids: list[int]
    # Set where the summary is to be traced back to it.
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reading a document gave: the windows that the model reads, and what becomes of them."""

    way: ReadingWay = ReadingWay.WHOLE
    # In the order of the document; none where the summary is extracted without the model.
    windows: tuple[Window, ...]
    # For the runs of the windows. They know the token ids of prefix and phrases.
    options: DecodingOptions
    warnings: tuple[SummaryWarning, ...] = ()
    # Tokens of the document that the model does not read.
    dropped_tokens: int = 0
    # Set where the document is its own summary, and the model is not asked.
    own_summary: OwnSummary | None = None
    # Whether the request asks where the summary comes from.
    is_traced: bool = False
    # Makes the summary from what was written of the windows; None where that is the summary.
    compose: Callable[[Sequence[str]], Composition] | None = None

    @property
    def num_tokens(self) -> int:
        """Tokens that the encoder reads, in all windows."""
        return sum(len(window.ids) for window in self.windows)


def read(job: Job, tokenizer: BundleTokenizer) -> Reading:
    """Tokenises a job's document, chooses how to read it and looks at its language.

    Raises InvalidRequest for a document that is too long to be read as it was asked for, and for a
    prefix or phrases that the model cannot write.
    """
    document, style = job.request.document, job.style
    normalised = normalise(document)
    text = (style.prefix_text or "") + normalised
    ids = encode_within(text, tokenizer, job.model.max_source_tokens)
    if ids is None:
        return _read_long(job, tokenizer, text)
    options = _with_ids(job, tokenizer)
    source = None
    if (level := job.request.attribution) is not None and not job.is_extractive:
        source = source_of(document, 0, style, tokenizer, level)
    window = Window((TextSpan(0, len(document)),), _around(style, ids), source)
    is_traced = job.request.attribution is not None
    reading = Reading(windows=(window,), options=options, is_traced=is_traced)
    own_ids = tokenizer.encode(normalised) if style.prefix_text else ids
    fewest = job.model.manifest.limits.min_source_tokens or 0
    if len(own_ids) < fewest:
        own = own_summary(normalised, own_ids, job.request.options, job.options, tokenizer)
        warning = short_document_warning(len(own_ids), fewest, is_returned=own is not None)
        return replace(reading, warnings=(warning,), own_summary=own)
    reading = replace(reading, warnings=language_warnings(normalised, job.model.manifest.languages))
    if not job.is_extractive:
        return reading
    sentences = LongSource(job, tokenizer)
    _refuse_without_sentences(job, sentences)
    return replace(
        reading,
        way=ReadingWay.EXTRACTED,
        options=sentences.guide_options(options),
        compose=sentences.extract,
    )


def read_ids(job: Job, tokenizer: BundleTokenizer, source_ids: Sequence[int]) -> Reading:
    """The same for a caller that has token ids in place of a document."""
    window = Window((), list(source_ids))
    return Reading(windows=(window,), options=_with_ids(job, tokenizer))


def _read_long(job: Job, tokenizer: BundleTokenizer, text: str) -> Reading:
    """Reads a document of more tokens than the model takes."""
    policy = job.request.long_documents
    limit = job.model.max_source_tokens
    if policy is LongDocuments.REFUSE:
        raise too_long(job.request.document, text, tokenizer, limit)
    options = _with_ids(job, tokenizer)
    warnings = language_warnings(job.request.document, job.model.manifest.languages)
    is_traced = job.request.attribution is not None
    source = LongSource(job, tokenizer)
    if job.is_extractive or policy is LongDocuments.COVER:
        _refuse_without_sentences(job, source)
    way = _way(job, source)
    if way is ReadingWay.EXTRACTED:
        return Reading(
            way=way,
            windows=(),
            options=options,
            warnings=warnings,
            is_traced=is_traced,
            compose=source.extract,
        )
    parts = _parts(source, way, text)
    style = source.guide_style if way is ReadingWay.COVERED else job.style
    return Reading(
        way=way,
        windows=tuple(Window(part.spans, _around(style, part.ids), part.source) for part in parts),
        options=source.guide_options(options) if way is ReadingWay.COVERED else options,
        warnings=warnings,
        is_traced=is_traced,
        dropped_tokens=max(0, len(tokenizer.encode(text)) - sum(len(part.ids) for part in parts)),
        compose=source.cover if way is ReadingWay.COVERED else None,
    )


def _parts(source: LongSource, way: ReadingWay, text: str) -> Sequence[Part]:
    match way:
        case ReadingWay.COVERED:
            return source.windows
        case ReadingWay.SELECTED:
            return [source.selected(text)]
        case _:
            return [source.truncated(text)]


def _way(job: Job, source: LongSource) -> ReadingWay:
    """How a document that is too long is read."""
    if job.is_extractive:
        return ReadingWay.EXTRACTED
    match job.request.long_documents:
        case LongDocuments.TRUNCATE:
            return ReadingWay.TRUNCATED
        case LongDocuments.COVER:
            return ReadingWay.COVERED
        case LongDocuments.AUTO if source.has_key_sentences and not job.needs_one_run:
            if job.options.max_tokens >= _ROOM_FOR_SENTENCES:
                several = source.has_several_subjects
                return ReadingWay.COVERED if several else ReadingWay.EXTRACTED
    # Of code or a table there are no key sentences: its beginning says most.
    return ReadingWay.SELECTED if source.has_key_sentences else ReadingWay.TRUNCATED


def _refuse_without_sentences(job: Job, source: LongSource) -> None:
    """There is nothing to quote, and nothing that a part of the document says."""
    if source.has_key_sentences:
        return
    field, asked = "long_document_policy", "is COVER"
    if job.is_extractive:
        field, asked = "style", f'is "{job.style.name}"'
    problem = (
        f"{asked}, which chooses sentences, and of the document's {len(job.request.document)} "
        "characters none is part of one: it is code or a table; choose another"
    )
    raise InvalidRequest(Violation(field, problem))


def _around(style: Style, ids: Sequence[int]) -> list[int]:
    return [*style.prefix_ids, *ids, *style.suffix_ids]


def _with_ids(job: Job, tokenizer: BundleTokenizer) -> DecodingOptions:
    requested = job.request.options
    return with_phrases(
        job.options,
        prefix=requested.prefix or "",
        banned_phrases=requested.banned_phrases,
        tokenizer=tokenizer,
        special=job.model.manifest.special_tokens,
    )

"""The end of a job: what was written of its windows becomes one answer, and its stamps timings."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bundle.tokenizer import BundleTokenizer
from server.decoding.strategy import Hypothesis
from server.engine.request import Finished, Stamps
from server.jobs.attributing import attributions, composed_attributions, own_attributions
from server.jobs.composing import Composition
from server.jobs.job import Job
from server.jobs.reading import Reading
from server.text.detokenise import whole_text
from server.text.facts import fact_warnings
from server.text.offset_units import in_unit
from server.text.short_documents import OwnSummary
from server.types import (
    Alternative,
    Attribution,
    Decoding,
    FinishReason,
    Method,
    Origin,
    ReadingWay,
    Summary,
    SummarySentence,
    SummaryWarning,
    TextSpan,
    Timings,
    Usage,
)

ALTERNATIVE_OVERHEAD_BYTES = 160
"""What an alternative takes beside its text, measured with tracemalloc and rounded up."""
SPAN_OVERHEAD_BYTES = 80
"""What a span takes, by sys.getsizeof and rounded up."""

ATTRIBUTION_BYTES, SOURCE_SPAN_BYTES = 320, 240
"""What an attribution takes, and each of its spans, measured in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was written, whoever asked for it."""

    text: str
    finish_reason: FinishReason
    source_tokens: int
    summary_tokens: int
    windows: int
    alternatives: tuple[Alternative, ...]
    decoding: Decoding
    seed: int | None
    warnings: tuple[SummaryWarning, ...] = ()
    dropped_tokens: int = 0
    way: ReadingWay = ReadingWay.WHOLE
    read_spans: tuple[TextSpan, ...] = ()
    sentences: tuple[SummarySentence, ...] = ()
    # Of `text`, in code points; empty unless asked for.
    attributions: tuple[Attribution, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Memory of the texts in it, and of what there may be many of."""
        warnings = (each.message for each in self.warnings)
        texts = (self.text, *warnings, *(each.text for each in self.alternatives))
        spans = sum(len(each.source_spans) for each in self.attributions)
        return (
            sum(map(sys.getsizeof, texts))
            + ALTERNATIVE_OVERHEAD_BYTES * len(self.alternatives)
            + SPAN_OVERHEAD_BYTES * (len(self.read_spans) + 3 * len(self.sentences))
            + ATTRIBUTION_BYTES * len(self.attributions)
            + SOURCE_SPAN_BYTES * spans
        )


@dataclass(frozen=True, slots=True)
class Course:
    """When a job did what, on time.monotonic()'s clock."""

    read_started_s: float
    read_ended_s: float
    # One for each window that went through the engine.
    windows: Sequence[Stamps] = ()

    def timings(self, *, arrived_s: float, answered_s: float) -> Timings:
        """Where a request's time went that arrived at `arrived_s`: nothing before that counts.

        Each stage of the engine is the sum over the windows.
        """

        def waited_s(started_s: float, ended_s: float) -> float:
            return max(0.0, ended_s - max(started_s, arrived_s))

        windows = self.windows
        return Timings(
            tokenize_s=waited_s(self.read_started_s, self.read_ended_s),
            queue_s=sum(waited_s(each.submitted_s, each.encode_started_s) for each in windows),
            encode_s=sum(waited_s(each.encode_started_s, each.encode_ended_s) for each in windows),
            decode_s=sum(waited_s(each.encode_ended_s, each.decode_ended_s) for each in windows),
            total_s=answered_s - arrived_s,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended well."""

    answer: Answer
    course: Course


def own_answer(own: OwnSummary, reading: Reading) -> Answer:
    """The answer that returns the document."""
    return _answer(
        reading,
        text=own.text,
        finish_reason=own.finish_reason,
        summary_tokens=own.num_tokens,
        attributions=_own_attributions(own, reading),
    )


def _own_attributions(own: OwnSummary, reading: Reading) -> Sequence[Attribution]:
    source = reading.windows[0].source
    return () if source is None else own_attributions(own.text, source)


def written_answer(
    finished: Finished,
    text: str,
    reading: Reading,
    tokenizer: BundleTokenizer,
    *,
    speculation_off: str,
) -> Answer:
    """The answer that the model wrote of one window; `text` is the best as it was streamed."""
    best, *others = finished.hypotheses
    texts = [text, *(whole_text(tokenizer, each.tokens) for each in others)]
    alternatives = tuple(
        Alternative(
            text=text,
            score=each.score,
            finish_reason=each.reason,
            summary_tokens=len(each.tokens),
        )
        for text, each in zip(texts, finished.hypotheses, strict=True)
    )
    return _answer(
        reading,
        text=text,
        finish_reason=best.reason,
        summary_tokens=len(best.tokens),
        alternatives=alternatives if reading.options.num_summaries > 1 else (),
        finished=[finished],
        speculation_off=speculation_off,
        attributions=_attributions(best, text, reading, tokenizer),
        warnings=_fact_warnings(
            text, reading, tokenizer, is_cut=best.reason is FinishReason.LENGTH
        ),
    )


def _attributions(
    best: Hypothesis, text: str, reading: Reading, tokenizer: BundleTokenizer
) -> Sequence[Attribution]:
    (window,) = reading.windows
    if window.source is None:
        return ()
    return attributions(text, best.tokens, best.looks, window.source, tokenizer)


def composed_answer(
    composition: Composition,
    finished: Sequence[Finished],
    reading: Reading,
    tokenizer: BundleTokenizer,
    *,
    speculation_off: str,
) -> Answer:
    """The answer that was put together from sentences. All of them are whole."""
    spans = [each.span for each in composition.sentences if each.source is None]
    written = "\n".join(composition.text[span.start : span.end] for span in spans)
    return _answer(
        reading,
        text=composition.text,
        finish_reason=FinishReason.STOP,
        summary_tokens=len(tokenizer.encode(composition.text)),
        finished=finished,
        speculation_off=speculation_off,
        sentences=composition.sentences,
        warnings=_fact_warnings(written, reading, tokenizer, is_cut=False),
        attributions=_composed_attributions(composition, finished, reading, tokenizer),
    )


def _composed_attributions(
    composition: Composition,
    finished: Sequence[Finished],
    reading: Reading,
    tokenizer: BundleTokenizer,
) -> Sequence[Attribution]:
    if not reading.is_traced:
        return ()
    best = [each.hypotheses[0] for each in finished]
    sources = [window.source for window in reading.windows]
    return list(composed_attributions(composition, best, sources, tokenizer))


def _fact_warnings(
    written: str, reading: Reading, tokenizer: BundleTokenizer, *, is_cut: bool
) -> tuple[SummaryWarning, ...]:
    """What the model made up, where it was free to; a prefix is the caller's own."""
    if reading.options.only_source_facts or not written:
        return ()
    spelling = tokenizer.spelling
    known = [reading.options.prefix_ids, *(window.ids for window in reading.windows)]
    document = "\n".join(map(spelling.text_of, known))
    return fact_warnings(document, written, spelling.ordinary, is_cut=is_cut)


def _answer(
    reading: Reading,
    *,
    text: str,
    finish_reason: FinishReason,
    summary_tokens: int,
    alternatives: tuple[Alternative, ...] = (),
    finished: Sequence[Finished] = (),
    speculation_off: str = "",
    sentences: tuple[SummarySentence, ...] = (),
    attributions: Sequence[Attribution] = (),
    warnings: tuple[SummaryWarning, ...] = (),
) -> Answer:
    """Steps and tokens are sums over the windows."""
    options = reading.options
    is_whole = reading.way is ReadingWay.WHOLE
    return Answer(
        text=text,
        finish_reason=finish_reason,
        source_tokens=reading.num_tokens,
        summary_tokens=summary_tokens,
        windows=len(reading.windows),
        dropped_tokens=reading.dropped_tokens,
        alternatives=alternatives,
        decoding=Decoding(
            method=options.method,
            steps=sum(each.steps for each in finished),
            drafted_tokens=sum(each.drafting.drafted for each in finished),
            accepted_tokens=sum(each.drafting.accepted for each in finished),
            speculation_off=speculation_off,
        ),
        seed=options.seed if options.method is Method.SAMPLING else None,
        warnings=(*reading.warnings, *warnings),
        way=reading.way,
        read_spans=() if is_whole else tuple(s for w in reading.windows for s in w.spans),
        sentences=sentences,
        attributions=tuple(attributions),
    )


def summary_for(job: Job, answer: Answer, timings: Timings, origin: Origin) -> Summary:
    """The reply to one request, from what identical requests share."""
    manifest = job.model.manifest
    summary = Summary(
        text=answer.text,
        finish_reason=answer.finish_reason,
        usage=Usage(
            document_characters=len(job.request.document),
            source_tokens=answer.source_tokens,
            source_tokens_dropped=answer.dropped_tokens,
            summary_tokens=answer.summary_tokens,
            chunks=answer.windows,
        ),
        timings=timings,
        model=manifest.name,
        model_version=manifest.version,
        request_id=job.request.request_id,
        decoding=answer.decoding,
        alternatives=answer.alternatives,
        seed=answer.seed,
        origin=origin,
        warnings=answer.warnings,
        way=answer.way,
        read_spans=answer.read_spans,
        sentences=answer.sentences,
        attributions=answer.attributions,
    )
    return in_unit(summary, job.request.offset_unit, job.request.document)

"""The end of a job: what was written in its windows becomes one answer, and its stamps timings."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bundle.tokenizer import BundleTokenizer
from server.decoding.strategy import Hypothesis
from server.engine.request import Finished, Stamps
from server.jobs.job import Job
from server.jobs.reading import Reading
from server.text.detokenise import whole_text
from server.text.short_documents import OwnSummary
from server.types import (
    Alternative,
    Decoding,
    FinishReason,
    Method,
    Origin,
    Summary,
    SummaryWarning,
    Timings,
    Usage,
)

ALTERNATIVE_OVERHEAD_BYTES = 160
"""What an alternative takes beside its text, measured with tracemalloc and rounded up."""

# Between the summaries of two windows.
_BETWEEN_WINDOWS = "\n"


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

    @property
    def size_bytes(self) -> int:
        """Memory of the texts in it."""
        warnings = (each.message for each in self.warnings)
        texts = (self.text, *warnings, *(each.text for each in self.alternatives))
        return sum(map(sys.getsizeof, texts)) + ALTERNATIVE_OVERHEAD_BYTES * len(self.alternatives)


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
    options = reading.options
    return Answer(
        text=own.text,
        finish_reason=own.finish_reason,
        source_tokens=reading.num_tokens,
        summary_tokens=own.num_tokens,
        windows=1,
        alternatives=(),
        decoding=Decoding(method=options.method, steps=0, drafted_tokens=0, accepted_tokens=0),
        seed=options.seed if options.method is Method.SAMPLING else None,
        warnings=reading.warnings,
    )


def join(
    finished: Sequence[Finished],
    texts: Sequence[str],
    reading: Reading,
    tokenizer: BundleTokenizer,
    *,
    speculation_off: str,
) -> Answer:
    """Joins what was written in the windows, in the order of the document.

    `texts` are the best summaries as they were streamed. Counts are sums. Of several summaries the
    second joins the second best of every window, and so on; its score is the mean.
    """
    options = reading.options
    ranks = list(zip(*(each.hypotheses for each in finished), strict=False))
    best, *others = [
        _joined(hypotheses, texts if rank == 0 else _texts(hypotheses, tokenizer))
        for rank, hypotheses in enumerate(ranks)
    ]
    return Answer(
        text=best.text,
        finish_reason=best.finish_reason,
        source_tokens=reading.num_tokens,
        summary_tokens=best.summary_tokens,
        windows=len(reading.windows),
        alternatives=(best, *others) if options.num_summaries > 1 else (),
        decoding=Decoding(
            method=options.method,
            steps=sum(each.steps for each in finished),
            drafted_tokens=sum(each.drafting.drafted for each in finished),
            accepted_tokens=sum(each.drafting.accepted for each in finished),
            speculation_off=speculation_off,
        ),
        seed=options.seed if options.method is Method.SAMPLING else None,
        warnings=reading.warnings,
    )


def _texts(hypotheses: Sequence[Hypothesis], tokenizer: BundleTokenizer) -> list[str]:
    return [whole_text(tokenizer, each.tokens) for each in hypotheses]


def _joined(hypotheses: Sequence[Hypothesis], texts: Sequence[str]) -> Alternative:
    is_cut = any(each.reason is FinishReason.LENGTH for each in hypotheses)
    return Alternative(
        text=_BETWEEN_WINDOWS.join(texts),
        score=sum(each.score for each in hypotheses) / len(hypotheses),
        finish_reason=FinishReason.LENGTH if is_cut else FinishReason.STOP,
        summary_tokens=sum(len(each.tokens) for each in hypotheses),
    )


def summary_for(job: Job, answer: Answer, timings: Timings, origin: Origin) -> Summary:
    """The reply to one request, from what identical requests share."""
    manifest = job.model.manifest
    return Summary(
        text=answer.text,
        finish_reason=answer.finish_reason,
        usage=Usage(
            document_characters=len(job.request.document),
            source_tokens=answer.source_tokens,
            source_tokens_dropped=0,
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
    )

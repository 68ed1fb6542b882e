"""One document: from its request to what the engine reads, and from what it wrote to the answer."""

import ctypes
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bundle.load import Bundle
from server.decoding.choose import speculation_off
from server.decoding.strategy import Strategy
from server.engine.request import Finished
from server.errors import InvalidRequest, Violation
from server.jobs.answer import Answer, composed_answer, own_answer, written_answer
from server.jobs.job import Job, admit
from server.jobs.reading import Reading, Window, read, read_ids
from server.offline.request import OfflineRequest, OfflineSummary
from server.offline.tokens import strategy_for
from server.types import (
    AttributionLevel,
    LongDocuments,
    RequestedOptions,
    ServedModel,
    SummaryRequest,
    Usage,
)

_SEED_BITS = 64
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_POLICIES = {policy.value: policy for policy in LongDocuments}
# Stands for the document where a request has token ids, and so needs none.
_NO_DOCUMENT = "x"


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was read."""

    reading: Reading
    document_characters: int


class Reader:
    """Reads documents for one bundle as the server does."""

    def __init__(self, bundle: Bundle, *, speculation: bool) -> None:
        self._bundle = bundle
        self._tokenizer = bundle.tokenizer
        self._speculation = speculation
        limits = bundle.manifest.limits
        self._model = ServedModel(
            manifest=bundle.manifest,
            bundle_sha256=bundle.manifest_sha256,
            max_source_tokens=limits.max_source_tokens,
            max_summary_tokens=limits.max_summary_tokens,
            max_document_bytes=sys.maxsize,  # there is no message that it must fit
            max_batch_in_flight=1,
            requested_provider="",
            actual_provider="",
            capabilities=(),
        )

    def read(self, request: OfflineRequest) -> Source:
        """Checks a request and tokenises its document. Raises InvalidRequest."""
        job = self._admit(request)
        if request.source_ids:
            return Source(read_ids(job, self._tokenizer, request.source_ids), 0)
        return Source(read(job, self._tokenizer), len(request.document))

    def strategy(self, source: Source, window: Window) -> Strategy:
        """What decides the tokens that are written of one window."""
        options = source.reading.options
        return strategy_for(
            self._bundle,
            window.ids,
            options,
            speculation=self._speculation,
            keeps_looks=window.source is not None,
        )

    def answer(
        self, source: Source, finished: Sequence[Finished], texts: Sequence[str]
    ) -> OfflineSummary:
        """Puts together what was written of the windows; `texts` are the best of each."""
        reading, tokenizer = source.reading, self._tokenizer
        if (own := reading.own_summary) is not None:
            return _summary(source, own_answer(own, reading))
        off = speculation_off(reading.options, speculation=self._speculation)
        if reading.compose is not None:
            composition = reading.compose(texts)
            answer = composed_answer(composition, finished, reading, tokenizer, speculation_off=off)
            return _summary(source, answer)
        (only,), (text,) = finished, texts
        answer = written_answer(only, text, reading, tokenizer, speculation_off=off)
        best = only.hypotheses[0]
        return _summary(source, answer, tokens=best.tokens, score=best.score)

    def _admit(self, request: OfflineRequest) -> Job:
        """Finds the style and fills in the defaults, or names all that is wrong."""
        _refuse_half_pairs(request)
        asked = SummaryRequest(
            document=_NO_DOCUMENT if request.source_ids else request.document,
            request_id="",
            style=request.style,
            language=request.language,
            options=_rounded(request.options),
            long_documents=_POLICIES.get(request.long_documents, LongDocuments.AUTO),
            length=request.length,
            by_rank=request.by_rank,
            bullets=request.bullets,
            attribution=AttributionLevel(request.attribution) if request.attribution else None,
            violations=(
                *self._id_violations(request),
                *_seed_violations(request.options),
                *_policy_violations(request),
            ),
        )
        return admit(asked, lambda *_: self._model, draw_seed=lambda: secrets.randbits(_SEED_BITS))

    def _id_violations(self, request: OfflineRequest) -> list[Violation]:
        ids, manifest = request.source_ids, self._bundle.manifest
        if not ids:
            return []
        if request.document:
            return [Violation("source_ids", "are given, and document too: give one of them")]
        if request.attribution:
            problem = f"is {request.attribution}, but source_ids give no text to point into"
            return [Violation("attribution", problem)]
        if len(ids) > manifest.longest_source:
            problem = f"are {len(ids)}, at most {manifest.longest_source} are read"
            return [Violation("source_ids", problem)]
        vocab_size = manifest.geometry.vocab_size
        return [
            Violation(f"source_ids[{index}]", f"is {each}, must be from 0 to {vocab_size - 1}")
            for index, each in enumerate(ids)
            if not 0 <= each < vocab_size
        ][:1]


def _summary(
    source: Source, answer: Answer, *, tokens: Sequence[int] = (), score: float | None = None
) -> OfflineSummary:
    return OfflineSummary(
        text=answer.text,
        tokens=tokens,
        score=score,
        finish_reason=answer.finish_reason,
        usage=Usage(
            document_characters=source.document_characters,
            source_tokens=answer.source_tokens,
            source_tokens_dropped=answer.dropped_tokens,
            summary_tokens=answer.summary_tokens,
            chunks=answer.windows,
        ),
        decoding=answer.decoding,
        alternatives=answer.alternatives,
        seed=answer.seed,
        warnings=answer.warnings,
        way=answer.way,
        sentences=answer.sentences,
        attributions=answer.attributions,
    )


def _given(options: RequestedOptions) -> dict[str, object]:
    given = {field.name: getattr(options, field.name) for field in fields(options)}
    return {name: value for name, value in given.items() if value is not None}


def _rounded(options: RequestedOptions) -> RequestedOptions:
    """Numbers as the API has them, in 32 bits: a seed gives the same summary here and there."""
    rounded: dict[str, Any] = {
        name: ctypes.c_float(value).value
        for name, value in _given(options).items()
        if isinstance(value, float)
    }
    return replace(options, **rounded)


def _seed_violations(options: RequestedOptions) -> list[Violation]:
    """The proto's type keeps a seed within its range; a Python integer has none."""
    if options.seed is None or 0 <= options.seed < 1 << _SEED_BITS:
        return []
    problem = f"is {options.seed}, must be from 0 to {(1 << _SEED_BITS) - 1}"
    return [Violation("options.seed", problem)]


def _policy_violations(request: OfflineRequest) -> list[Violation]:
    if request.long_documents in _POLICIES:
        return []
    problem = f"is {request.long_documents!r}, must be one of {', '.join(_POLICIES)}"
    return [Violation("long_documents", problem)]


def _refuse_half_pairs(request: OfflineRequest) -> None:
    """No text of Unicode holds half a surrogate pair, but a Python string may."""
    options = request.options
    texts = {"document": request.document, "options.prefix": options.prefix or ""}
    texts |= {
        f"options.banned_phrases[{index}]": phrase
        for index, phrase in enumerate(options.banned_phrases)
    }
    violations = [
        Violation(field, f"holds half a surrogate pair at character {found.start()}")
        for field, text in texts.items()
        if (found := _HALF_A_PAIR.search(text))
    ]
    if violations:
        raise InvalidRequest(*violations)

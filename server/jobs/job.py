"""A request that was admitted, and what identical requests have in common."""

import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bundle.manifest import Style
from server.errors import DeadlineExpired, InvalidRequest, NotServed, UnknownModel
from server.text.styles import EXTRACT
from server.text.validate import check, writing_options
from server.types import (
    AttributionLevel,
    DecodingOptions,
    Length,
    LongDocuments,
    Method,
    ServedModel,
    SummaryRequest,
)


@dataclass(frozen=True, slots=True)
class JobKey:
    """All that an answer depends on. Equal keys have equal answers, to the letter.

    The document goes in as it was sent, before it is normalised: to tell whether two requests are
    identical must be much cheaper than to answer them.
    """

    bundle_sha256: str
    style: str
    # Without the ids of prefix and phrases, which follow from the texts.
    options: DecodingOptions
    prefix: str
    # In the order sent, by which a refusal names them.
    banned_phrases: tuple[str, ...]
    document_sha256: bytes
    long_documents: LongDocuments = LongDocuments.AUTO
    length: Length | None = None
    by_rank: bool = False
    bullets: bool = False
    # In which unit its offsets are told is settled for each request by itself.
    attribution: AttributionLevel | None = None

    @property
    def size_bytes(self) -> int:
        """Memory of the texts in it."""
        phrases = self.banned_phrases
        texts_bytes = sum(map(sys.getsizeof, (self.prefix, *phrases)))
        return texts_bytes + (sys.getsizeof(phrases) if phrases else 0)  # the empty one is shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request that was checked, with its style found and every default filled in.

    Its prefix and banned phrases are still text: the options have no ids of them yet.
    """

    request: SummaryRequest
    model: ServedModel
    style: Style
    options: DecodingOptions
    # In UTF-8.
    document_bytes: int
    # None for samples whose seed the request left open: no two of them are identical.
    key: JobKey | None
    arrived_s: float

    @property
    def is_extractive(self) -> bool:
        """Whether its summary is to hold sentences of the document alone."""
        return self.style.name == EXTRACT

    @property
    def needs_one_run(self) -> bool:
        """Whether its options are about one text that the model writes from start to end."""
        is_traced_by_word = self.request.attribution is AttributionLevel.WORD
        return is_traced_by_word or bool(writing_options(self.request.options, self.options))


def admit(
    request: SummaryRequest,
    find_model: Callable[[str, str], ServedModel],
    *,
    draw_seed: Callable[[], int],
) -> Job:
    """Checks a request once, for everything that can be known before it is tokenised.

    Raises DeadlineExpired, InvalidRequest with all that is wrong, NotServed or UnknownModel.
    """
    arrived_s = time.monotonic()
    if request.deadline_s is not None and arrived_s >= request.deadline_s:
        raise DeadlineExpired("arriving")
    model = _model_of(request, find_model)
    # A character has at least one byte, which spares encoding what is plainly too long.
    is_plainly_too_long = len(request.document) > model.max_document_bytes
    document = b"" if is_plainly_too_long else request.document.encode()
    style, options = check(request, model, None if is_plainly_too_long else len(document))
    key = None
    if options.method is Method.SAMPLING and request.options.seed is None:
        options = replace(options, seed=draw_seed())
    else:
        key = JobKey(
            bundle_sha256=model.bundle_sha256,
            style=style.name,
            options=options,
            prefix=request.options.prefix or "",
            banned_phrases=request.options.banned_phrases,
            document_sha256=hashlib.sha256(document).digest(),
            long_documents=request.long_documents,
            length=request.length,
            by_rank=request.by_rank,
            bullets=request.bullets,
            attribution=request.attribution,
        )
    return Job(
        request=request,
        model=model,
        style=style,
        options=options,
        document_bytes=len(document),
        key=key,
        arrived_s=arrived_s,
    )


def _model_of(
    request: SummaryRequest, find_model: Callable[[str, str], ServedModel]
) -> ServedModel:
    """Finds the model. What no model would take is reported before an unknown name is."""
    try:
        return find_model(request.model, request.model_version)
    except UnknownModel:
        if request.violations:
            raise InvalidRequest(*request.violations) from None
        if request.unserved:
            raise NotServed(*request.unserved) from None
        raise

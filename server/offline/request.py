"""What an offline engine is asked, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from server.types import (
    Alternative,
    Attribution,
    Decoding,
    FinishReason,
    Length,
    LongDocuments,
    ReadingWay,
    RequestedOptions,
    SummarySentence,
    SummaryWarning,
    Usage,
)

TracedParts = Literal["", "sentence", "word"]
"""What of a summary is traced back to its document; "" is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRequest:
    """One document to summarise. Nothing in it has been checked.

    In place of the document it may have `source_ids`: the token ids that the encoder reads, with
    those that a style adds. They are taken as they are, however few.
    """

    document: str = ""
    source_ids: tuple[int, ...] = ()
    style: str = ""
    language: str = ""
    options: RequestedOptions = field(default_factory=RequestedOptions)
    # "auto", "refuse", "truncate", "select" or "cover".
    long_documents: str = LongDocuments.AUTO.value
    # Of summaries that are put together from sentences.
    length: Length | None = None
    by_rank: bool = False
    bullets: bool = False
    attribution: TracedParts = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineSummary:
    """One summary, and how it was written."""

    text: str
    # Without the end token. Empty, and without a score, where the model did not write the text.
    tokens: Sequence[int]
    score: float | None
    finish_reason: FinishReason
    usage: Usage
    decoding: Decoding
    # Best first, `text` included; empty unless several were asked for.
    alternatives: Sequence[Alternative] = ()
    # Set when sampling.
    seed: int | None = None
    warnings: Sequence[SummaryWarning] = ()
    way: ReadingWay = ReadingWay.WHOLE
    # Of a summary that is put together from sentences.
    sentences: Sequence[SummarySentence] = ()
    # Of `text`, in its order, with offsets in code points; empty unless asked for.
    attributions: Sequence[Attribution] = ()

"""The words that the server's layers share."""

import enum
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from bundle.decoding import Method as Method
from bundle.manifest import Manifest
from server.errors import Violation


class FinishReason(enum.Enum):
    """Why the writing of a summary stopped."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedOptions:
    """Decoding options as a caller gave them; None takes the style's or the server's default."""

    max_tokens: int | None = None
    min_tokens: int | None = None
    no_repeat_ngram_size: int | None = None
    no_repeat_word_ngram_size: int | None = None
    only_source_facts: bool | None = None
    num_beams: int | None = None
    length_penalty: float | None = None
    early_stopping: bool | None = None
    num_summaries: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    seed: int | None = None
    repetition_penalty: float | None = None
    # What the summary begins with, and phrases that it never holds.
    prefix: str | None = None
    banned_phrases: tuple[str, ...] = ()
    speculation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingOptions:
    """Decoding options with every default filled in, and all text as token ids."""

    max_tokens: int
    min_tokens: int = 0
    no_repeat_ngram_size: int = 0
    no_repeat_word_ngram_size: int = 0
    # No name or number is written that the document does not hold.
    only_source_facts: bool = False
    # 1 is greedy or sampling; more is a beam search, which keeps that many beginnings.
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool = False
    num_summaries: int = 1
    # 0 takes the likeliest token; above it, a token is drawn.
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    repetition_penalty: float = 1.0
    prefix_ids: tuple[int, ...] = ()
    # Runs of tokens that never occur in a summary.
    banned_runs: tuple[tuple[int, ...], ...] = ()
    # Whether greedy decoding may draft from the document; it changes the speed, never the tokens.
    speculation: bool = True

    @property
    def method(self) -> Method:
        """The way of decoding that these ask for."""
        if self.num_beams > 1:
            return Method.BEAM_SEARCH
        return Method.SAMPLING if self.temperature > 0 else Method.GREEDY


class LongDocuments(enum.Enum):
    """What to do with a document of more tokens than the model reads at once."""

    AUTO = "auto"
    REFUSE = "refuse"
    TRUNCATE = "truncate"
    SELECT = "select"
    COVER = "cover"


class ReadingWay(enum.Enum):
    """How a document was read."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    SELECTED = "selected"
    COVERED = "covered"
    EXTRACTED = "extracted"


@dataclass(frozen=True, slots=True)
class Length:
    """How long a summary of whole sentences is to be; 0 is no bound."""

    words: int = 0
    sentences: int = 0


class AttributionLevel(enum.Enum):
    """How finely a summary is traced back to its document."""

    SENTENCE = "sentence"
    WORD = "word"


class OffsetUnit(enum.Enum):
    """What the offsets of an attribution count."""

    CODE_POINT = "code point"
    UTF16 = "UTF-16 code unit"
    BYTE = "byte of UTF-8"


class AttributionKind(enum.Enum):
    """How a part of a summary came to be; server/text/attribution.py says when it is which."""

    COPIED = "copied"
    GENERATED = "generated"
    GIVEN = "given"


class TextSpan(NamedTuple):
    """A stretch of text, `end` excluded."""

    start: int
    end: int


class SummarySentence(NamedTuple):
    """A sentence of a summary that is put together from sentences."""

    span: TextSpan
    # Where it stands in the document word for word; None if the model wrote it.
    source: TextSpan | None
    # Among all that could have been chosen: 1 is the best, towards 0 for the last.
    score: float


class SourceSpan(NamedTuple):
    """A stretch of the document, and the share of a part of the summary that it accounts for."""

    span: TextSpan
    weight: float


class Attribution(NamedTuple):
    """Traces a part of a summary back to the document."""

    summary_span: TextSpan
    source_spans: tuple[SourceSpan, ...]
    kind: AttributionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """One document to summarise, as it came from the wire.

    Nothing in it has been checked against the model.
    """

    document: str
    request_id: str
    model: str = ""
    model_version: str = ""
    style: str = ""
    language: str = ""
    options: RequestedOptions = RequestedOptions()
    long_documents: LongDocuments = LongDocuments.AUTO
    # Of summaries that are put together from sentences: how long, the best first, as a list.
    length: Length | None = None
    by_rank: bool = False
    bullets: bool = False
    # None wants none.
    attribution: AttributionLevel | None = None
    offset_unit: OffsetUnit = OffsetUnit.CODE_POINT
    # On time.monotonic()'s clock; None waits for ever.
    deadline_s: float | None = None
    # False spares the engine one wake-up of the caller for each token.
    wants_deltas: bool = False
    # What the transport found wrong with the message, and what it knows that is not served. Both
    # are reported together with what the model refuses, so that a caller hears of all at once.
    violations: tuple[Violation, ...] = ()
    unserved: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a document's windows are summarised; only sent for more than one."""

    windows_done: int
    windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of a summary: whole characters only."""

    text: str
    summary_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was read and written."""

    document_characters: int
    source_tokens: int
    source_tokens_dropped: int
    summary_tokens: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Where the time of one request went, in seconds.

    For a document of several windows each stage is the sum over the windows. Windows run side by
    side, so the sum may be more than the total.
    """

    queue_s: float
    tokenize_s: float
    encode_s: float
    decode_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One of several summaries of the same document."""

    text: str
    score: float
    finish_reason: FinishReason
    summary_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How a summary was decoded, and what drafting did for it."""

    method: Method
    # Runs of the decoder over this document.
    steps: int
    # Tokens that were guessed ahead, and those among them that were kept.
    drafted_tokens: int
    accepted_tokens: int
    # Why nothing was drafted, for a caller or an operator to read; "" where drafting was on.
    speculation_off: str = ""


class Origin(enum.Enum):
    """Where the answer to a request came from."""

    # Computed for this request first.
    COMPUTED = "computed"
    # Computed for an identical request that was already being answered.
    SHARED = "shared"
    # Computed earlier.
    CACHED = "cached"


class WarningCode(enum.Enum):
    """What a warning is about."""

    DOCUMENT_RETURNED = "document returned"
    DOCUMENT_TOO_SHORT = "document too short"
    LANGUAGE_NOT_SUPPORTED = "language not supported"
    FACTS_NOT_IN_SOURCE = "facts not in source"


@dataclass(frozen=True, slots=True)
class SummaryWarning:
    """What a reader of the summary should know before trusting it."""

    code: WarningCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole answer to one request."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    model: str
    model_version: str
    request_id: str
    decoding: Decoding
    # Best first, `text` included; empty unless several were asked for.
    alternatives: Sequence[Alternative] = ()
    # Set when sampling.
    seed: int | None = None
    origin: Origin = Origin.COMPUTED
    # Of `text`, in its order and in the request's unit; empty unless asked for.
    attributions: Sequence[Attribution] = ()
    warnings: Sequence[SummaryWarning] = ()
    way: ReadingWay = ReadingWay.WHOLE
    # What of the document the model read, unless it was the whole or nothing.
    read_spans: Sequence[TextSpan] = ()
    # Of a summary that is put together from sentences.
    sentences: Sequence[SummarySentence] = ()


SummaryEvent = Progress | Delta | Summary
"""What a request is answered with: any number of the first two, then one Summary."""


ProviderName = Literal["cuda", "cpu"]
"""Where a model can run; server/runtime/providers has what follows from each."""

RequestedProvider = Literal["auto", ProviderName]
"""Where an operator asks for it to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model as this server serves it: what it is, where it runs and what is refused beyond."""

    manifest: Manifest
    bundle_sha256: str
    max_source_tokens: int
    max_summary_tokens: int
    max_document_bytes: int
    max_batch_in_flight: int
    requested_provider: str
    actual_provider: str
    # Optional abilities, such as "beam_search"; what is not listed is refused with NotServed.
    capabilities: tuple[str, ...]
    # Why it runs on the CPU where a GPU was asked for, or is what the bundle was made for; else "".
    fallback_reason: str = ""
    # Of the processor, such as "avx512-vnni"; see bundle/processor.py.
    instruction_set: str = ""


class Summariser(Protocol):
    """What a transport calls: server.service implements it, and telemetry wraps it."""

    def model(self, name: str, version: str) -> ServedModel:
        """Finds a model; "" takes the default one. Raises UnknownModel."""

    def models(self) -> Sequence[ServedModel]:
        """Every model, the default one first."""

    def summarise(self, request: SummaryRequest) -> AsyncGenerator[SummaryEvent, None]:
        """Writes one summary: progress and deltas, if wanted, then exactly one Summary, last.

        Raises RequestError. Ending early, by cancellation or aclose(), frees all that is held.
        """

"""What a client gets back, as plain frozen values.

Each class mirrors one message of summarizer.proto, field by field and under the same names; only
durations are floats in seconds and say so by their `_s`. docs/api.md says what each field means.
"""

from dataclasses import dataclass
from enum import Enum

from precis_client.errors import PrecisError
from precis_client.options import DecodingOptions


class FinishReason(Enum):
    """Why the writing stopped."""

    UNSPECIFIED = "unspecified"
    STOP = "stop"
    LENGTH = "length"


class DecodingMethod(Enum):
    """How the next token is chosen."""

    UNSPECIFIED = "unspecified"
    GREEDY = "greedy"
    SAMPLING = "sampling"
    BEAM_SEARCH = "beam_search"


class LongDocumentPolicy(Enum):
    """What to do with a document that does not fit the model."""

    AUTO = "auto"
    REFUSE = "refuse"
    TRUNCATE = "truncate"
    SELECT = "select"
    COVER = "cover"


class SentenceOrder(Enum):
    """In which order a summary that is put together has its sentences."""

    DOCUMENT = "document"
    RANK = "rank"


class ReadingWay(Enum):
    """How a document was read."""

    UNSPECIFIED = "unspecified"
    WHOLE = "whole"
    TRUNCATED = "truncated"
    SELECTED = "selected"
    COVERED = "covered"
    EXTRACTED = "extracted"


class AttributionLevel(Enum):
    """How finely a summary is traced back to its document."""

    SENTENCE = "sentence"
    WORD = "word"


class OffsetUnit(Enum):
    """What the offsets of an attribution count; code points are what Python's strings count."""

    CODE_POINT = "code_point"
    UTF16 = "utf16"
    BYTE = "byte"


class ServingStatus(Enum):
    """What the health service says of a service; only SERVING means that requests are welcome."""

    UNKNOWN = "unknown"
    SERVING = "serving"
    NOT_SERVING = "not_serving"
    SERVICE_UNKNOWN = "service_unknown"


@dataclass(frozen=True, slots=True)
class Length:
    """Bounds a summary of whole sentences; 0 is no bound."""

    words: int = 0
    sentences: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of what was read and written."""

    document_characters: int
    source_tokens: int
    source_tokens_dropped: int
    summary_tokens: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the server's time went, in seconds. What is in none of the parts is overhead."""

    queue_s: float
    tokenize_s: float
    encode_s: float
    decode_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A stretch of text in the request's offset unit, `end` excluded."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """How a document was read, and the parts that the model read unless it was the whole."""

    way: ReadingWay
    spans: tuple[TextSpan, ...]


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of a summary that was put together; without `source`, the model wrote it."""

    span: TextSpan
    source: TextSpan | None
    score: float


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A stretch of the document and how much was copied from there, 0 to 1."""

    span: TextSpan
    weight: float


class AttributionKind(Enum):
    """How a part of a summary came to be."""

    UNSPECIFIED = "unspecified"
    COPIED = "copied"
    GENERATED = "generated"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Attribution:
    """A part of the summary and the parts of the document it came from, strongest first.

    What is COPIED stands letter for letter at the first of them.
    """

    summary_span: TextSpan
    source_spans: tuple[SourceSpan, ...]
    kind: AttributionKind = AttributionKind.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several summaries of the same document; a higher score is better."""

    summary: str
    score: float
    finish_reason: FinishReason
    summary_tokens: int


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a summary was decoded; `speculation_off` says why nothing was guessed ahead, if so."""

    method: DecodingMethod
    steps: int
    drafted_tokens: int
    accepted_tokens: int
    speculation_off: str


class WarningCode(Enum):
    """What a warning is about."""

    UNSPECIFIED = "unspecified"
    DOCUMENT_RETURNED = "document_returned"
    DOCUMENT_TOO_SHORT = "document_too_short"
    LANGUAGE_NOT_SUPPORTED = "language_not_supported"
    FACTS_NOT_IN_SOURCE = "facts_not_in_source"


@dataclass(frozen=True, slots=True)
class SummaryWarning:
    """What a reader of the summary should know before trusting it."""

    code: WarningCode
    message: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer to one document."""

    summary: str
    alternatives: tuple[Alternative, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    model: str
    model_version: str
    attributions: tuple[Attribution, ...]
    request_id: str
    seed: int | None
    decoding: Decoding
    warnings: tuple[SummaryWarning, ...] = ()
    reading: DocumentReading = DocumentReading(ReadingWay.UNSPECIFIED, ())
    sentences: tuple[SummarySentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of a streamed summary, and how many tokens are written so far."""

    text: str
    summary_tokens: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """How one item of a batch ended: with a summary, or with the error that it alone met."""

    item_id: str
    outcome: Summary | PrecisError

    @property
    def error(self) -> PrecisError | None:
        """The error that the item ended with, None if it has a summary."""
        return self.outcome if isinstance(self.outcome, PrecisError) else None

    def unwrap(self) -> Summary:
        """Returns the summary, or raises the error that the item ended with."""
        if isinstance(self.outcome, PrecisError):
            raise self.outcome
        return self.outcome


@dataclass(frozen=True, slots=True)
class Style:
    """A way of summarising, and the options it uses where a request sets none."""

    name: str
    description: str
    default_options: DecodingOptions


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model refuses beyond."""

    max_source_tokens: int
    max_summary_tokens: int
    max_document_bytes: int
    max_batch_in_flight: int
    # A document of fewer tokens is returned as it is; 0: none is.
    min_source_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the server answers for."""

    name: str
    version: str
    description: str
    styles: tuple[Style, ...]
    default_style: str
    languages: tuple[str, ...]
    limits: Limits
    precision: str
    requested_provider: str
    actual_provider: str
    bundle_sha256: str
    license: str
    capabilities: tuple[str, ...]
    # Whether it runs on the CPU although a GPU was asked for, or is what it was made for; and why.
    provider_fallback: bool = False
    provider_fallback_reason: str = ""
    # Of the server's processor, such as "avx512-vnni"; "" from a server that does not say.
    instruction_set: str = ""

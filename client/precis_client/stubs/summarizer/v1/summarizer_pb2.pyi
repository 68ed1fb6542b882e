import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SentenceOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENTENCE_ORDER_UNSPECIFIED: _ClassVar[SentenceOrder]
    SENTENCE_ORDER_DOCUMENT: _ClassVar[SentenceOrder]
    SENTENCE_ORDER_RANK: _ClassVar[SentenceOrder]

class LongDocumentPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LONG_DOCUMENT_POLICY_UNSPECIFIED: _ClassVar[LongDocumentPolicy]
    LONG_DOCUMENT_POLICY_REFUSE: _ClassVar[LongDocumentPolicy]
    LONG_DOCUMENT_POLICY_TRUNCATE: _ClassVar[LongDocumentPolicy]
    LONG_DOCUMENT_POLICY_COVER: _ClassVar[LongDocumentPolicy]
    LONG_DOCUMENT_POLICY_SELECT: _ClassVar[LongDocumentPolicy]
    LONG_DOCUMENT_POLICY_AUTO: _ClassVar[LongDocumentPolicy]

class AttributionLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTION_LEVEL_UNSPECIFIED: _ClassVar[AttributionLevel]
    ATTRIBUTION_LEVEL_SENTENCE: _ClassVar[AttributionLevel]
    ATTRIBUTION_LEVEL_WORD: _ClassVar[AttributionLevel]

class OffsetUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFSET_UNIT_UNSPECIFIED: _ClassVar[OffsetUnit]
    OFFSET_UNIT_CODE_POINT: _ClassVar[OffsetUnit]
    OFFSET_UNIT_UTF16: _ClassVar[OffsetUnit]
    OFFSET_UNIT_BYTE: _ClassVar[OffsetUnit]

class ReadingWay(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    READING_WAY_UNSPECIFIED: _ClassVar[ReadingWay]
    READING_WAY_WHOLE: _ClassVar[ReadingWay]
    READING_WAY_TRUNCATED: _ClassVar[ReadingWay]
    READING_WAY_SELECTED: _ClassVar[ReadingWay]
    READING_WAY_COVERED: _ClassVar[ReadingWay]
    READING_WAY_EXTRACTED: _ClassVar[ReadingWay]

class WarningCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_CODE_UNSPECIFIED: _ClassVar[WarningCode]
    WARNING_CODE_DOCUMENT_RETURNED: _ClassVar[WarningCode]
    WARNING_CODE_DOCUMENT_TOO_SHORT: _ClassVar[WarningCode]
    WARNING_CODE_LANGUAGE_NOT_SUPPORTED: _ClassVar[WarningCode]
    WARNING_CODE_FACTS_NOT_IN_SOURCE: _ClassVar[WarningCode]

class DecodingMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECODING_METHOD_UNSPECIFIED: _ClassVar[DecodingMethod]
    DECODING_METHOD_GREEDY: _ClassVar[DecodingMethod]
    DECODING_METHOD_SAMPLING: _ClassVar[DecodingMethod]
    DECODING_METHOD_BEAM_SEARCH: _ClassVar[DecodingMethod]

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]

class AttributionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTION_KIND_UNSPECIFIED: _ClassVar[AttributionKind]
    ATTRIBUTION_KIND_COPIED: _ClassVar[AttributionKind]
    ATTRIBUTION_KIND_GENERATED: _ClassVar[AttributionKind]
    ATTRIBUTION_KIND_GIVEN: _ClassVar[AttributionKind]
SENTENCE_ORDER_UNSPECIFIED: SentenceOrder
SENTENCE_ORDER_DOCUMENT: SentenceOrder
SENTENCE_ORDER_RANK: SentenceOrder
LONG_DOCUMENT_POLICY_UNSPECIFIED: LongDocumentPolicy
LONG_DOCUMENT_POLICY_REFUSE: LongDocumentPolicy
LONG_DOCUMENT_POLICY_TRUNCATE: LongDocumentPolicy
LONG_DOCUMENT_POLICY_COVER: LongDocumentPolicy
LONG_DOCUMENT_POLICY_SELECT: LongDocumentPolicy
LONG_DOCUMENT_POLICY_AUTO: LongDocumentPolicy
ATTRIBUTION_LEVEL_UNSPECIFIED: AttributionLevel
ATTRIBUTION_LEVEL_SENTENCE: AttributionLevel
ATTRIBUTION_LEVEL_WORD: AttributionLevel
OFFSET_UNIT_UNSPECIFIED: OffsetUnit
OFFSET_UNIT_CODE_POINT: OffsetUnit
OFFSET_UNIT_UTF16: OffsetUnit
OFFSET_UNIT_BYTE: OffsetUnit
READING_WAY_UNSPECIFIED: ReadingWay
READING_WAY_WHOLE: ReadingWay
READING_WAY_TRUNCATED: ReadingWay
READING_WAY_SELECTED: ReadingWay
READING_WAY_COVERED: ReadingWay
READING_WAY_EXTRACTED: ReadingWay
WARNING_CODE_UNSPECIFIED: WarningCode
WARNING_CODE_DOCUMENT_RETURNED: WarningCode
WARNING_CODE_DOCUMENT_TOO_SHORT: WarningCode
WARNING_CODE_LANGUAGE_NOT_SUPPORTED: WarningCode
WARNING_CODE_FACTS_NOT_IN_SOURCE: WarningCode
DECODING_METHOD_UNSPECIFIED: DecodingMethod
DECODING_METHOD_GREEDY: DecodingMethod
DECODING_METHOD_SAMPLING: DecodingMethod
DECODING_METHOD_BEAM_SEARCH: DecodingMethod
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_LENGTH: FinishReason
ATTRIBUTION_KIND_UNSPECIFIED: AttributionKind
ATTRIBUTION_KIND_COPIED: AttributionKind
ATTRIBUTION_KIND_GENERATED: AttributionKind
ATTRIBUTION_KIND_GIVEN: AttributionKind

class SummarizeRequest(_message.Message):
    __slots__ = ("document", "model", "model_version", "style", "language", "options", "long_document_policy", "attribution", "request_id", "offset_unit", "length", "sentence_order", "bullets")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    LONG_DOCUMENT_POLICY_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_UNIT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_ORDER_FIELD_NUMBER: _ClassVar[int]
    BULLETS_FIELD_NUMBER: _ClassVar[int]
    document: str
    model: str
    model_version: str
    style: str
    language: str
    options: DecodingOptions
    long_document_policy: LongDocumentPolicy
    attribution: AttributionLevel
    request_id: str
    offset_unit: OffsetUnit
    length: Length
    sentence_order: SentenceOrder
    bullets: bool
    def __init__(self, document: _Optional[str] = ..., model: _Optional[str] = ..., model_version: _Optional[str] = ..., style: _Optional[str] = ..., language: _Optional[str] = ..., options: _Optional[_Union[DecodingOptions, _Mapping]] = ..., long_document_policy: _Optional[_Union[LongDocumentPolicy, str]] = ..., attribution: _Optional[_Union[AttributionLevel, str]] = ..., request_id: _Optional[str] = ..., offset_unit: _Optional[_Union[OffsetUnit, str]] = ..., length: _Optional[_Union[Length, _Mapping]] = ..., sentence_order: _Optional[_Union[SentenceOrder, str]] = ..., bullets: bool = ...) -> None: ...

class Length(_message.Message):
    __slots__ = ("words", "sentences")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    words: int
    sentences: int
    def __init__(self, words: _Optional[int] = ..., sentences: _Optional[int] = ...) -> None: ...

class DecodingOptions(_message.Message):
    __slots__ = ("max_tokens", "min_tokens", "num_beams", "temperature", "top_k", "top_p", "seed", "length_penalty", "repetition_penalty", "no_repeat_ngram_size", "num_summaries", "min_p", "early_stopping", "prefix", "banned_phrases", "speculation", "no_repeat_word_ngram_size", "only_source_facts")
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MIN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    NUM_BEAMS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    LENGTH_PENALTY_FIELD_NUMBER: _ClassVar[int]
    REPETITION_PENALTY_FIELD_NUMBER: _ClassVar[int]
    NO_REPEAT_NGRAM_SIZE_FIELD_NUMBER: _ClassVar[int]
    NUM_SUMMARIES_FIELD_NUMBER: _ClassVar[int]
    MIN_P_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    BANNED_PHRASES_FIELD_NUMBER: _ClassVar[int]
    SPECULATION_FIELD_NUMBER: _ClassVar[int]
    NO_REPEAT_WORD_NGRAM_SIZE_FIELD_NUMBER: _ClassVar[int]
    ONLY_SOURCE_FACTS_FIELD_NUMBER: _ClassVar[int]
    max_tokens: int
    min_tokens: int
    num_beams: int
    temperature: float
    top_k: int
    top_p: float
    seed: int
    length_penalty: float
    repetition_penalty: float
    no_repeat_ngram_size: int
    num_summaries: int
    min_p: float
    early_stopping: bool
    prefix: str
    banned_phrases: _containers.RepeatedScalarFieldContainer[str]
    speculation: bool
    no_repeat_word_ngram_size: int
    only_source_facts: bool
    def __init__(self, max_tokens: _Optional[int] = ..., min_tokens: _Optional[int] = ..., num_beams: _Optional[int] = ..., temperature: _Optional[float] = ..., top_k: _Optional[int] = ..., top_p: _Optional[float] = ..., seed: _Optional[int] = ..., length_penalty: _Optional[float] = ..., repetition_penalty: _Optional[float] = ..., no_repeat_ngram_size: _Optional[int] = ..., num_summaries: _Optional[int] = ..., min_p: _Optional[float] = ..., early_stopping: bool = ..., prefix: _Optional[str] = ..., banned_phrases: _Optional[_Iterable[str]] = ..., speculation: bool = ..., no_repeat_word_ngram_size: _Optional[int] = ..., only_source_facts: bool = ...) -> None: ...

class SummarizeResponse(_message.Message):
    __slots__ = ("summary", "alternatives", "finish_reason", "usage", "timings", "model", "model_version", "attributions", "request_id", "seed", "decoding", "warnings", "reading", "sentences")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    READING_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    summary: str
    alternatives: _containers.RepeatedCompositeFieldContainer[Alternative]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    model: str
    model_version: str
    attributions: _containers.RepeatedCompositeFieldContainer[Attribution]
    request_id: str
    seed: int
    decoding: Decoding
    warnings: _containers.RepeatedCompositeFieldContainer[SummaryWarning]
    reading: DocumentReading
    sentences: _containers.RepeatedCompositeFieldContainer[SummarySentence]
    def __init__(self, summary: _Optional[str] = ..., alternatives: _Optional[_Iterable[_Union[Alternative, _Mapping]]] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., model: _Optional[str] = ..., model_version: _Optional[str] = ..., attributions: _Optional[_Iterable[_Union[Attribution, _Mapping]]] = ..., request_id: _Optional[str] = ..., seed: _Optional[int] = ..., decoding: _Optional[_Union[Decoding, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[SummaryWarning, _Mapping]]] = ..., reading: _Optional[_Union[DocumentReading, _Mapping]] = ..., sentences: _Optional[_Iterable[_Union[SummarySentence, _Mapping]]] = ...) -> None: ...

class DocumentReading(_message.Message):
    __slots__ = ("way", "spans")
    WAY_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    way: ReadingWay
    spans: _containers.RepeatedCompositeFieldContainer[TextSpan]
    def __init__(self, way: _Optional[_Union[ReadingWay, str]] = ..., spans: _Optional[_Iterable[_Union[TextSpan, _Mapping]]] = ...) -> None: ...

class SummarySentence(_message.Message):
    __slots__ = ("span", "source", "score")
    SPAN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    span: TextSpan
    source: TextSpan
    score: float
    def __init__(self, span: _Optional[_Union[TextSpan, _Mapping]] = ..., source: _Optional[_Union[TextSpan, _Mapping]] = ..., score: _Optional[float] = ...) -> None: ...

class SummaryWarning(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: WarningCode
    message: str
    def __init__(self, code: _Optional[_Union[WarningCode, str]] = ..., message: _Optional[str] = ...) -> None: ...

class Decoding(_message.Message):
    __slots__ = ("method", "steps", "drafted_tokens", "accepted_tokens", "speculation_off")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    DRAFTED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SPECULATION_OFF_FIELD_NUMBER: _ClassVar[int]
    method: DecodingMethod
    steps: int
    drafted_tokens: int
    accepted_tokens: int
    speculation_off: str
    def __init__(self, method: _Optional[_Union[DecodingMethod, str]] = ..., steps: _Optional[int] = ..., drafted_tokens: _Optional[int] = ..., accepted_tokens: _Optional[int] = ..., speculation_off: _Optional[str] = ...) -> None: ...

class Alternative(_message.Message):
    __slots__ = ("summary", "score", "finish_reason", "summary_tokens")
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    summary: str
    score: float
    finish_reason: FinishReason
    summary_tokens: int
    def __init__(self, summary: _Optional[str] = ..., score: _Optional[float] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ..., summary_tokens: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("document_characters", "source_tokens", "source_tokens_dropped", "summary_tokens", "chunks")
    DOCUMENT_CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TOKENS_DROPPED_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    document_characters: int
    source_tokens: int
    source_tokens_dropped: int
    summary_tokens: int
    chunks: int
    def __init__(self, document_characters: _Optional[int] = ..., source_tokens: _Optional[int] = ..., source_tokens_dropped: _Optional[int] = ..., summary_tokens: _Optional[int] = ..., chunks: _Optional[int] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("queue", "tokenize", "encode", "decode", "total")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    TOKENIZE_FIELD_NUMBER: _ClassVar[int]
    ENCODE_FIELD_NUMBER: _ClassVar[int]
    DECODE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    queue: _duration_pb2.Duration
    tokenize: _duration_pb2.Duration
    encode: _duration_pb2.Duration
    decode: _duration_pb2.Duration
    total: _duration_pb2.Duration
    def __init__(self, queue: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tokenize: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., encode: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., decode: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Attribution(_message.Message):
    __slots__ = ("summary_span", "source_spans", "kind")
    SUMMARY_SPAN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SPANS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    summary_span: TextSpan
    source_spans: _containers.RepeatedCompositeFieldContainer[SourceSpan]
    kind: AttributionKind
    def __init__(self, summary_span: _Optional[_Union[TextSpan, _Mapping]] = ..., source_spans: _Optional[_Iterable[_Union[SourceSpan, _Mapping]]] = ..., kind: _Optional[_Union[AttributionKind, str]] = ...) -> None: ...

class TextSpan(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class SourceSpan(_message.Message):
    __slots__ = ("span", "weight")
    SPAN_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    span: TextSpan
    weight: float
    def __init__(self, span: _Optional[_Union[TextSpan, _Mapping]] = ..., weight: _Optional[float] = ...) -> None: ...

class SummarizeStreamResponse(_message.Message):
    __slots__ = ("delta", "final", "progress")
    DELTA_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    delta: Delta
    final: SummarizeResponse
    progress: Progress
    def __init__(self, delta: _Optional[_Union[Delta, _Mapping]] = ..., final: _Optional[_Union[SummarizeResponse, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("chunks_done", "chunks")
    CHUNKS_DONE_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    chunks_done: int
    chunks: int
    def __init__(self, chunks_done: _Optional[int] = ..., chunks: _Optional[int] = ...) -> None: ...

class Delta(_message.Message):
    __slots__ = ("text", "summary_tokens")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    text: str
    summary_tokens: int
    def __init__(self, text: _Optional[str] = ..., summary_tokens: _Optional[int] = ...) -> None: ...

class SummarizeBatchRequest(_message.Message):
    __slots__ = ("item_id", "request")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    request: SummarizeRequest
    def __init__(self, item_id: _Optional[str] = ..., request: _Optional[_Union[SummarizeRequest, _Mapping]] = ...) -> None: ...

class SummarizeBatchResponse(_message.Message):
    __slots__ = ("item_id", "response", "error")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    response: SummarizeResponse
    error: ItemError
    def __init__(self, item_id: _Optional[str] = ..., response: _Optional[_Union[SummarizeResponse, _Mapping]] = ..., error: _Optional[_Union[ItemError, _Mapping]] = ...) -> None: ...

class ItemError(_message.Message):
    __slots__ = ("code", "message", "reason", "field_violations", "retry_delay")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    reason: str
    field_violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_delay: _duration_pb2.Duration
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., reason: _Optional[str] = ..., field_violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("model", "model_version")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    model: str
    model_version: str
    def __init__(self, model: _Optional[str] = ..., model_version: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "version", "description", "styles", "default_style", "languages", "limits", "precision", "requested_provider", "actual_provider", "bundle_sha256", "license", "capabilities", "provider_fallback", "provider_fallback_reason", "instruction_set")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_STYLE_FIELD_NUMBER: _ClassVar[int]
    LANGUAGES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_SHA256_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FALLBACK_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FALLBACK_REASON_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTION_SET_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    description: str
    styles: _containers.RepeatedCompositeFieldContainer[Style]
    default_style: str
    languages: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    precision: str
    requested_provider: str
    actual_provider: str
    bundle_sha256: str
    license: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    provider_fallback: bool
    provider_fallback_reason: str
    instruction_set: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., description: _Optional[str] = ..., styles: _Optional[_Iterable[_Union[Style, _Mapping]]] = ..., default_style: _Optional[str] = ..., languages: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., precision: _Optional[str] = ..., requested_provider: _Optional[str] = ..., actual_provider: _Optional[str] = ..., bundle_sha256: _Optional[str] = ..., license: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., provider_fallback: bool = ..., provider_fallback_reason: _Optional[str] = ..., instruction_set: _Optional[str] = ...) -> None: ...

class Style(_message.Message):
    __slots__ = ("name", "description", "default_options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    default_options: DecodingOptions
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., default_options: _Optional[_Union[DecodingOptions, _Mapping]] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_source_tokens", "max_summary_tokens", "max_document_bytes", "max_batch_in_flight", "min_source_tokens")
    MAX_SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_SUMMARY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_DOCUMENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MIN_SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    max_source_tokens: int
    max_summary_tokens: int
    max_document_bytes: int
    max_batch_in_flight: int
    min_source_tokens: int
    def __init__(self, max_source_tokens: _Optional[int] = ..., max_summary_tokens: _Optional[int] = ..., max_document_bytes: _Optional[int] = ..., max_batch_in_flight: _Optional[int] = ..., min_source_tokens: _Optional[int] = ...) -> None: ...

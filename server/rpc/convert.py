"""Proto <-> the server's own words, field by field."""

from google.protobuf.duration_pb2 import Duration

from bundle.manifest import DecodingDefaults
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as proto
from server.errors import Violation
from server.rpc.call import MAX_ID_CHARACTERS, is_valid_id
from server.rpc.options import requested_options, unserved_options
from server.text.styles import served_styles
from server.types import (
    Alternative,
    Attribution,
    AttributionKind,
    AttributionLevel,
    Decoding,
    Delta,
    FinishReason,
    Length,
    LongDocuments,
    Method,
    OffsetUnit,
    Progress,
    ReadingWay,
    ServedModel,
    Summary,
    SummaryEvent,
    SummaryRequest,
    SummarySentence,
    TextSpan,
    Timings,
    Usage,
    WarningCode,
)

_FINISH_REASONS = {
    FinishReason.STOP: proto.FINISH_REASON_STOP,
    FinishReason.LENGTH: proto.FINISH_REASON_LENGTH,
}
_METHODS = {
    Method.GREEDY: proto.DECODING_METHOD_GREEDY,
    Method.SAMPLING: proto.DECODING_METHOD_SAMPLING,
    Method.BEAM_SEARCH: proto.DECODING_METHOD_BEAM_SEARCH,
}
_WARNING_CODES = {
    WarningCode.DOCUMENT_RETURNED: proto.WARNING_CODE_DOCUMENT_RETURNED,
    WarningCode.DOCUMENT_TOO_SHORT: proto.WARNING_CODE_DOCUMENT_TOO_SHORT,
    WarningCode.LANGUAGE_NOT_SUPPORTED: proto.WARNING_CODE_LANGUAGE_NOT_SUPPORTED,
    WarningCode.FACTS_NOT_IN_SOURCE: proto.WARNING_CODE_FACTS_NOT_IN_SOURCE,
}
_ATTRIBUTION_LEVELS = {
    proto.ATTRIBUTION_LEVEL_SENTENCE: AttributionLevel.SENTENCE,
    proto.ATTRIBUTION_LEVEL_WORD: AttributionLevel.WORD,
}
_OFFSET_UNITS = {
    proto.OFFSET_UNIT_CODE_POINT: OffsetUnit.CODE_POINT,
    proto.OFFSET_UNIT_UTF16: OffsetUnit.UTF16,
    proto.OFFSET_UNIT_BYTE: OffsetUnit.BYTE,
}
_ATTRIBUTION_KINDS = {
    AttributionKind.COPIED: proto.ATTRIBUTION_KIND_COPIED,
    AttributionKind.GENERATED: proto.ATTRIBUTION_KIND_GENERATED,
    AttributionKind.GIVEN: proto.ATTRIBUTION_KIND_GIVEN,
}
_POLICIES = {
    proto.LONG_DOCUMENT_POLICY_UNSPECIFIED: LongDocuments.AUTO,
    proto.LONG_DOCUMENT_POLICY_AUTO: LongDocuments.AUTO,
    proto.LONG_DOCUMENT_POLICY_REFUSE: LongDocuments.REFUSE,
    proto.LONG_DOCUMENT_POLICY_TRUNCATE: LongDocuments.TRUNCATE,
    proto.LONG_DOCUMENT_POLICY_SELECT: LongDocuments.SELECT,
    proto.LONG_DOCUMENT_POLICY_COVER: LongDocuments.COVER,
}
_WAYS = {
    ReadingWay.WHOLE: proto.READING_WAY_WHOLE,
    ReadingWay.TRUNCATED: proto.READING_WAY_TRUNCATED,
    ReadingWay.SELECTED: proto.READING_WAY_SELECTED,
    ReadingWay.COVERED: proto.READING_WAY_COVERED,
    ReadingWay.EXTRACTED: proto.READING_WAY_EXTRACTED,
}


def to_request(
    message: proto.SummarizeRequest,
    *,
    request_id: str,
    deadline_s: float | None,
    wants_deltas: bool,
) -> SummaryRequest:
    """Reads a request; `request_id` stands in where it names none."""
    wrong = _invalid_fields(message)
    return SummaryRequest(
        document=message.document,
        request_id=message.request_id or request_id,
        model=message.model,
        model_version=message.model_version,
        style=message.style,
        language=message.language,
        options=requested_options(message.options),
        long_documents=_POLICIES.get(message.long_document_policy, LongDocuments.AUTO),
        length=_to_length(message),
        by_rank=message.sentence_order == proto.SENTENCE_ORDER_RANK,
        bullets=message.bullets,
        # Values that do not exist are among the violations.
        attribution=_ATTRIBUTION_LEVELS.get(message.attribution),
        offset_unit=_OFFSET_UNITS.get(message.offset_unit, OffsetUnit.CODE_POINT),
        deadline_s=deadline_s,
        wants_deltas=wants_deltas,
        violations=tuple(wrong),
        unserved=tuple(unserved_options(message.options)),
    )


def id_violation(field: str, text: str) -> Violation:
    """Says why an id is refused, without repeating what may be very long."""
    return Violation(
        field,
        f"must be 1 to {MAX_ID_CHARACTERS} visible ASCII characters, not {len(text)} of any kind",
    )


def _invalid_fields(message: proto.SummarizeRequest) -> list[Violation]:
    violations = []
    for field, kind in (
        ("long_document_policy", proto.LongDocumentPolicy),
        ("attribution", proto.AttributionLevel),
        ("sentence_order", proto.SentenceOrder),
        ("offset_unit", proto.OffsetUnit),
    ):
        value = getattr(message, field)
        if value not in kind.values():
            known = f"{min(kind.values())} to {max(kind.values())}"
            violations.append(Violation(field, f"is {value}, must be from {known}"))
    violations += [
        Violation(f"length.{name}", f"is {value}, must be 0 or more")
        for name in ("words", "sentences")
        if (value := getattr(message.length, name)) < 0
    ]
    if message.request_id and not is_valid_id(message.request_id):
        violations.append(id_violation("request_id", message.request_id))
    return violations


def _to_length(message: proto.SummarizeRequest) -> Length | None:
    if not message.HasField("length"):
        return None
    return Length(max(0, message.length.words), max(0, message.length.sentences))


def to_response(summary: Summary) -> proto.SummarizeResponse:
    """Writes a whole answer."""
    return proto.SummarizeResponse(
        summary=summary.text,
        alternatives=[_to_alternative(each) for each in summary.alternatives],
        finish_reason=_FINISH_REASONS[summary.finish_reason],
        usage=_to_usage(summary.usage),
        timings=_to_timings(summary.timings),
        model=summary.model,
        model_version=summary.model_version,
        request_id=summary.request_id,
        seed=summary.seed,
        attributions=[_to_attribution(each) for each in summary.attributions],
        decoding=_to_decoding(summary.decoding),
        warnings=[
            proto.SummaryWarning(code=_WARNING_CODES[each.code], message=each.message)
            for each in summary.warnings
        ],
        reading=proto.DocumentReading(
            way=_WAYS[summary.way], spans=map(_to_span, summary.read_spans)
        ),
        sentences=map(_to_sentence, summary.sentences),
    )


def _to_sentence(sentence: SummarySentence) -> proto.SummarySentence:
    return proto.SummarySentence(
        span=_to_span(sentence.span),
        source=None if sentence.source is None else _to_span(sentence.source),
        score=sentence.score,
    )


def to_stream_response(event: SummaryEvent) -> proto.SummarizeStreamResponse:
    """Writes one message of a streamed answer."""
    match event:
        case Progress(done, windows):
            progress = proto.Progress(chunks_done=done, chunks=windows)
            return proto.SummarizeStreamResponse(progress=progress)
        case Delta():
            delta = proto.Delta(text=event.text, summary_tokens=event.summary_tokens)
            return proto.SummarizeStreamResponse(delta=delta)
        case Summary():
            return proto.SummarizeStreamResponse(final=to_response(event))


def to_duration(seconds: float) -> Duration:
    """Writes a length of time; a clock's jitter below 0 is 0."""
    duration = Duration()
    duration.FromNanoseconds(max(0, round(seconds * 1e9)))
    return duration


def to_model(model: ServedModel) -> proto.Model:
    """Describes a model."""
    manifest = model.manifest
    return proto.Model(
        name=manifest.name,
        version=manifest.version,
        description=manifest.description,
        styles=_to_styles(model),
        default_style=manifest.default_style,
        languages=manifest.languages,
        limits=proto.Limits(
            max_source_tokens=model.max_source_tokens,
            max_summary_tokens=model.max_summary_tokens,
            max_document_bytes=model.max_document_bytes,
            max_batch_in_flight=model.max_batch_in_flight,
            min_source_tokens=manifest.limits.min_source_tokens or 0,
        ),
        precision=manifest.precision,
        requested_provider=model.requested_provider,
        actual_provider=model.actual_provider,
        bundle_sha256=model.bundle_sha256,
        license=manifest.license,
        capabilities=model.capabilities,
        provider_fallback=bool(model.fallback_reason),
        provider_fallback_reason=model.fallback_reason,
        instruction_set=model.instruction_set,
    )


def _to_styles(model: ServedModel) -> list[proto.Style]:
    default = model.manifest.default_style
    styles = served_styles(model.manifest, model.max_summary_tokens)
    default_first = sorted(styles, key=lambda style: style.name != default)
    return [
        proto.Style(
            name=style.name,
            description=style.description,
            default_options=_to_options(style.defaults),
        )
        for style in default_first
    ]


def _to_options(defaults: DecodingDefaults) -> proto.DecodingOptions:
    return proto.DecodingOptions(**defaults.said())


def _to_alternative(alternative: Alternative) -> proto.Alternative:
    return proto.Alternative(
        summary=alternative.text,
        score=alternative.score,
        finish_reason=_FINISH_REASONS[alternative.finish_reason],
        summary_tokens=alternative.summary_tokens,
    )


def _to_attribution(attribution: Attribution) -> proto.Attribution:
    return proto.Attribution(
        summary_span=_to_span(attribution.summary_span),
        source_spans=[
            proto.SourceSpan(span=_to_span(span), weight=weight)
            for span, weight in attribution.source_spans
        ],
        kind=_ATTRIBUTION_KINDS[attribution.kind],
    )


def _to_span(span: TextSpan) -> proto.TextSpan:
    return proto.TextSpan(start=span.start, end=span.end)


def _to_decoding(decoding: Decoding) -> proto.Decoding:
    return proto.Decoding(
        method=_METHODS[decoding.method],
        steps=decoding.steps,
        drafted_tokens=decoding.drafted_tokens,
        accepted_tokens=decoding.accepted_tokens,
        speculation_off=decoding.speculation_off,
    )


def _to_usage(usage: Usage) -> proto.Usage:
    return proto.Usage(
        document_characters=usage.document_characters,
        source_tokens=usage.source_tokens,
        source_tokens_dropped=usage.source_tokens_dropped,
        summary_tokens=usage.summary_tokens,
        chunks=usage.chunks,
    )


def _to_timings(timings: Timings) -> proto.Timings:
    return proto.Timings(
        queue=to_duration(timings.queue_s),
        tokenize=to_duration(timings.tokenize_s),
        encode=to_duration(timings.encode_s),
        decode=to_duration(timings.decode_s),
        total=to_duration(timings.total_s),
    )

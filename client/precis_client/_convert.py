"""Protos to this package's values and back, field by field."""

from dataclasses import fields
from typing import Any, TypedDict, TypeVar

from precis_client import types
from precis_client._status import error_from_item, seconds
from precis_client.errors import FieldViolation, InvalidRequest
from precis_client.options import DecodingOptions
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb

_LONG_DOCUMENT_POLICIES = {
    types.LongDocumentPolicy.AUTO: pb.LONG_DOCUMENT_POLICY_AUTO,
    types.LongDocumentPolicy.REFUSE: pb.LONG_DOCUMENT_POLICY_REFUSE,
    types.LongDocumentPolicy.TRUNCATE: pb.LONG_DOCUMENT_POLICY_TRUNCATE,
    types.LongDocumentPolicy.SELECT: pb.LONG_DOCUMENT_POLICY_SELECT,
    types.LongDocumentPolicy.COVER: pb.LONG_DOCUMENT_POLICY_COVER,
}
_SENTENCE_ORDERS = {
    types.SentenceOrder.DOCUMENT: pb.SENTENCE_ORDER_DOCUMENT,
    types.SentenceOrder.RANK: pb.SENTENCE_ORDER_RANK,
}
_READING_WAYS = {
    pb.READING_WAY_WHOLE: types.ReadingWay.WHOLE,
    pb.READING_WAY_TRUNCATED: types.ReadingWay.TRUNCATED,
    pb.READING_WAY_SELECTED: types.ReadingWay.SELECTED,
    pb.READING_WAY_COVERED: types.ReadingWay.COVERED,
    pb.READING_WAY_EXTRACTED: types.ReadingWay.EXTRACTED,
}
_ATTRIBUTION_LEVELS = {
    types.AttributionLevel.SENTENCE: pb.ATTRIBUTION_LEVEL_SENTENCE,
    types.AttributionLevel.WORD: pb.ATTRIBUTION_LEVEL_WORD,
}
_OFFSET_UNITS = {
    types.OffsetUnit.CODE_POINT: pb.OFFSET_UNIT_CODE_POINT,
    types.OffsetUnit.UTF16: pb.OFFSET_UNIT_UTF16,
    types.OffsetUnit.BYTE: pb.OFFSET_UNIT_BYTE,
}
_ATTRIBUTION_KINDS = {
    pb.ATTRIBUTION_KIND_COPIED: types.AttributionKind.COPIED,
    pb.ATTRIBUTION_KIND_GENERATED: types.AttributionKind.GENERATED,
    pb.ATTRIBUTION_KIND_GIVEN: types.AttributionKind.GIVEN,
}
_FINISH_REASONS = {
    pb.FINISH_REASON_STOP: types.FinishReason.STOP,
    pb.FINISH_REASON_LENGTH: types.FinishReason.LENGTH,
}
_METHODS = {
    pb.DECODING_METHOD_GREEDY: types.DecodingMethod.GREEDY,
    pb.DECODING_METHOD_SAMPLING: types.DecodingMethod.SAMPLING,
    pb.DECODING_METHOD_BEAM_SEARCH: types.DecodingMethod.BEAM_SEARCH,
}
_WARNING_CODES = {
    pb.WARNING_CODE_DOCUMENT_RETURNED: types.WarningCode.DOCUMENT_RETURNED,
    pb.WARNING_CODE_DOCUMENT_TOO_SHORT: types.WarningCode.DOCUMENT_TOO_SHORT,
    pb.WARNING_CODE_LANGUAGE_NOT_SUPPORTED: types.WarningCode.LANGUAGE_NOT_SUPPORTED,
    pb.WARNING_CODE_FACTS_NOT_IN_SOURCE: types.WarningCode.FACTS_NOT_IN_SOURCE,
}


class RequestFields(TypedDict, total=False):
    """Keyword arguments of `summarize`, `stream` and `batch`, each of them optional."""

    style: str
    """Name of a style that the model has, such as "brief"."""
    language: str
    """BCP 47 tag of the document's language, such as "en"; a hint."""
    options: DecodingOptions
    """How to decode."""
    model: str
    """Name of the model; else the server's first."""
    model_version: str
    """Version of the model; else the newest."""
    long_document_policy: types.LongDocumentPolicy
    """What to do with a document that is too long for the model; else the server chooses."""
    length: types.Length
    """How long a summary is to be that is put together from sentences."""
    sentence_order: types.SentenceOrder
    """In which order such a summary has its sentences; else that of the document."""
    bullets: bool
    """Whether such a summary is a list."""
    attribution: types.AttributionLevel
    """Asks which parts of the document each part of the summary came from."""
    offset_unit: types.OffsetUnit
    """What the offsets of the attributions count; else code points, as Python's strings do."""


_Settable = TypeVar("_Settable", pb.SummarizeRequest, pb.DecodingOptions, pb.Length)


def to_request(
    document: str, fields_set: RequestFields, request_id: str = ""
) -> pb.SummarizeRequest:
    """Builds the request, refusing only what the wire cannot carry; the server judges the rest."""
    unknown = fields_set.keys() - RequestFields.__annotations__.keys()
    if unknown:
        raise TypeError(f"unknown request fields: {', '.join(sorted(unknown))}")
    request = pb.SummarizeRequest()
    _set(request, "document", document)
    _set(request, "request_id", request_id)
    for name in ("style", "language", "model", "model_version"):
        if name in fields_set:
            _set(request, name, fields_set[name])
    if "options" in fields_set:
        request.options.CopyFrom(to_options(fields_set["options"]))
    if "long_document_policy" in fields_set:
        request.long_document_policy = _LONG_DOCUMENT_POLICIES[fields_set["long_document_policy"]]
    if "length" in fields_set:
        for name in ("words", "sentences"):
            _set(request.length, name, getattr(fields_set["length"], name), path="length.")
    if "sentence_order" in fields_set:
        request.sentence_order = _SENTENCE_ORDERS[fields_set["sentence_order"]]
    if "bullets" in fields_set:
        request.bullets = fields_set["bullets"]
    if "attribution" in fields_set:
        request.attribution = _ATTRIBUTION_LEVELS[fields_set["attribution"]]
    if "offset_unit" in fields_set:
        request.offset_unit = _OFFSET_UNITS[fields_set["offset_unit"]]
    return request


def to_options(options: DecodingOptions) -> pb.DecodingOptions:
    """Sets exactly the options that are not None, so that a 0 differs from what was never said."""
    if isinstance(options.banned_phrases, str):
        raise TypeError("banned_phrases takes several phrases, not one str")
    message = pb.DecodingOptions()
    for field in fields(options):
        value = getattr(options, field.name)
        if value is not None:
            _set(message, field.name, value, path="options.")
    return message


def _set(message: _Settable, name: str, value: object, path: str = "") -> None:
    try:
        if isinstance(value, tuple | list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    except ValueError as error:  # an integer beyond 32 or 64 bits, or text that UTF-8 cannot encode
        violation = FieldViolation(path + name, str(error))
        raise InvalidRequest(
            f"{violation.field}: {violation.description}",
            code="INVALID_ARGUMENT",
            field_violations=(violation,),
        ) from error


def from_response(response: pb.SummarizeResponse) -> types.Summary:
    """Reads the answer to one document."""
    return types.Summary(
        summary=response.summary,
        alternatives=tuple(_from_alternative(each) for each in response.alternatives),
        finish_reason=_finish_reason(response.finish_reason),
        usage=_from_usage(response.usage),
        timings=_from_timings(response.timings),
        model=response.model,
        model_version=response.model_version,
        attributions=tuple(_from_attribution(each) for each in response.attributions),
        request_id=response.request_id,
        seed=response.seed if response.HasField("seed") else None,
        decoding=_from_decoding(response.decoding),
        warnings=tuple(_from_warning(each) for each in response.warnings),
        reading=types.DocumentReading(
            _READING_WAYS.get(response.reading.way, types.ReadingWay.UNSPECIFIED),
            tuple(map(_from_span, response.reading.spans)),
        ),
        sentences=tuple(map(_from_sentence, response.sentences)),
    )


def _from_sentence(sentence: pb.SummarySentence) -> types.SummarySentence:
    source = _from_span(sentence.source) if sentence.HasField("source") else None
    return types.SummarySentence(_from_span(sentence.span), source, sentence.score)


def from_delta(delta: pb.Delta) -> types.Delta:
    """Reads one piece of a streamed summary."""
    return types.Delta(text=delta.text, summary_tokens=delta.summary_tokens)


def from_batch_response(answer: pb.SummarizeBatchResponse) -> types.BatchResult:
    """Reads how one item of a batch ended."""
    if answer.HasField("response"):
        return types.BatchResult(answer.item_id, from_response(answer.response))
    # An outcome that this client does not know reads as an error without a code.
    return types.BatchResult(answer.item_id, error_from_item(answer.error, answer.item_id))


def from_models(response: pb.ListModelsResponse) -> tuple[types.Model, ...]:
    """Reads the list of models, the default one first."""
    return tuple(from_model(each) for each in response.models)


def from_model(model: pb.Model) -> types.Model:
    """Reads the description of one model."""
    return types.Model(
        name=model.name,
        version=model.version,
        description=model.description,
        styles=tuple(_from_style(each) for each in model.styles),
        default_style=model.default_style,
        languages=tuple(model.languages),
        limits=types.Limits(
            max_source_tokens=model.limits.max_source_tokens,
            max_summary_tokens=model.limits.max_summary_tokens,
            max_document_bytes=model.limits.max_document_bytes,
            max_batch_in_flight=model.limits.max_batch_in_flight,
            min_source_tokens=model.limits.min_source_tokens,
        ),
        precision=model.precision,
        requested_provider=model.requested_provider,
        actual_provider=model.actual_provider,
        bundle_sha256=model.bundle_sha256,
        license=model.license,
        capabilities=tuple(model.capabilities),
        provider_fallback=model.provider_fallback,
        provider_fallback_reason=model.provider_fallback_reason,
        instruction_set=model.instruction_set,
    )


def _from_style(style: pb.Style) -> types.Style:
    return types.Style(
        name=style.name,
        description=style.description,
        default_options=from_options(style.default_options),
    )


def from_options(message: pb.DecodingOptions) -> DecodingOptions:
    """Reads the options that are set; those that only a newer server knows are left out."""
    known = {field.name for field in fields(DecodingOptions)}
    return DecodingOptions(
        **{
            field.name: _plain(value)
            for field, value in message.ListFields()
            if field.name in known
        }
    )


def _shortest(value: Any) -> Any:
    """Reads a 32-bit float as it was written: 0.9, not 0.8999999761581421."""
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    return _shortest(value) if isinstance(value, int | float | str) else tuple(value)


def _from_alternative(alternative: pb.Alternative) -> types.Alternative:
    return types.Alternative(
        summary=alternative.summary,
        score=_shortest(alternative.score),
        finish_reason=_finish_reason(alternative.finish_reason),
        summary_tokens=alternative.summary_tokens,
    )


def _from_decoding(decoding: pb.Decoding) -> types.Decoding:
    return types.Decoding(
        # A newer server may have ways that this client does not know.
        method=_METHODS.get(decoding.method, types.DecodingMethod.UNSPECIFIED),
        steps=decoding.steps,
        drafted_tokens=decoding.drafted_tokens,
        accepted_tokens=decoding.accepted_tokens,
        speculation_off=decoding.speculation_off,
    )


def _from_warning(warning: pb.SummaryWarning) -> types.SummaryWarning:
    # A newer server may warn of things that this client does not know.
    code = _WARNING_CODES.get(warning.code, types.WarningCode.UNSPECIFIED)
    return types.SummaryWarning(code, warning.message)


def _finish_reason(reason: pb.FinishReason) -> types.FinishReason:
    # A newer server may have reasons that this client does not know.
    return _FINISH_REASONS.get(reason, types.FinishReason.UNSPECIFIED)


def _from_usage(usage: pb.Usage) -> types.Usage:
    return types.Usage(
        document_characters=usage.document_characters,
        source_tokens=usage.source_tokens,
        source_tokens_dropped=usage.source_tokens_dropped,
        summary_tokens=usage.summary_tokens,
        chunks=usage.chunks,
    )


def _from_timings(timings: pb.Timings) -> types.Timings:
    return types.Timings(
        queue_s=seconds(timings.queue),
        tokenize_s=seconds(timings.tokenize),
        encode_s=seconds(timings.encode),
        decode_s=seconds(timings.decode),
        total_s=seconds(timings.total),
    )


def _from_attribution(attribution: pb.Attribution) -> types.Attribution:
    return types.Attribution(
        summary_span=_from_span(attribution.summary_span),
        source_spans=tuple(
            types.SourceSpan(span=_from_span(each.span), weight=_shortest(each.weight))
            for each in attribution.source_spans
        ),
        # A newer server may have kinds that this client does not know.
        kind=_ATTRIBUTION_KINDS.get(attribution.kind, types.AttributionKind.UNSPECIFIED),
    )


def _from_span(span: pb.TextSpan) -> types.TextSpan:
    return types.TextSpan(start=span.start, end=span.end)

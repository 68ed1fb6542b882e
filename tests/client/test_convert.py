"""The client's values mirror the messages of the proto: nothing lost, nothing renamed."""

import dataclasses
from typing import Any

import pytest
from google.protobuf.message import Message

from precis_client import _convert, types
from precis_client.errors import InvalidRequest
from precis_client.options import DecodingOptions
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import model, response

MIRRORS = [
    (types.Summary, pb.SummarizeResponse),
    (types.Alternative, pb.Alternative),
    (types.Decoding, pb.Decoding),
    (types.SummaryWarning, pb.SummaryWarning),
    (types.Usage, pb.Usage),
    (types.Timings, pb.Timings),
    (types.Attribution, pb.Attribution),
    (types.SourceSpan, pb.SourceSpan),
    (types.TextSpan, pb.TextSpan),
    (types.Delta, pb.Delta),
    (types.Model, pb.Model),
    (types.Style, pb.Style),
    (types.Limits, pb.Limits),
    (DecodingOptions, pb.DecodingOptions),
]
ENUMS = [
    (types.FinishReason, pb.FinishReason, "FINISH_REASON_"),
    (types.DecodingMethod, pb.DecodingMethod, "DECODING_METHOD_"),
    (types.WarningCode, pb.WarningCode, "WARNING_CODE_"),
    (types.AttributionKind, pb.AttributionKind, "ATTRIBUTION_KIND_"),
    (types.LongDocumentPolicy, pb.LongDocumentPolicy, "LONG_DOCUMENT_POLICY_"),
    (types.AttributionLevel, pb.AttributionLevel, "ATTRIBUTION_LEVEL_"),
    (types.OffsetUnit, pb.OffsetUnit, "OFFSET_UNIT_"),
]


@pytest.mark.parametrize(("value", "message"), MIRRORS, ids=lambda each: each.__name__)
def test_every_field_of_a_message_has_its_twin(value: Any, message: type[Message]) -> None:
    twins = [field.name.removesuffix("_s") for field in dataclasses.fields(value)]

    assert twins == [field.name for field in message.DESCRIPTOR.fields]


@pytest.mark.parametrize(("ours", "theirs", "prefix"), ENUMS, ids=[each[2] for each in ENUMS])
def test_every_value_of_an_enum_has_its_twin(ours: Any, theirs: Any, prefix: str) -> None:
    names = {name.removeprefix(prefix) for name in theirs.keys()}  # not a dict

    assert {each.name for each in ours} | {"UNSPECIFIED"} == names
    assert all(each.value == each.name.lower() for each in ours)


def test_every_request_field_can_be_said() -> None:
    sayable = _convert.RequestFields.__annotations__.keys() | {"document", "request_id"}

    assert sayable == {field.name for field in pb.SummarizeRequest.DESCRIPTOR.fields}


def test_every_part_of_a_reply_is_read() -> None:
    span = pb.TextSpan(start=1, end=9)
    message = response(
        finish_reason=pb.FINISH_REASON_LENGTH,
        request_id="abc",
        seed=2**64 - 1,
        decoding=pb.Decoding(
            method=pb.DECODING_METHOD_BEAM_SEARCH, speculation_off="beam search drafts nothing"
        ),
        alternatives=[
            pb.Alternative(
                summary="Other.", score=-0.7, finish_reason=pb.FINISH_REASON_STOP, summary_tokens=2
            )
        ],
        warnings=[pb.SummaryWarning(code=pb.WARNING_CODE_DOCUMENT_RETURNED, message="Short.")],
        attributions=[
            pb.Attribution(
                summary_span=pb.TextSpan(start=0, end=5),
                source_spans=[pb.SourceSpan(span=span, weight=0.9)],
                kind=pb.ATTRIBUTION_KIND_COPIED,
            ),
            pb.Attribution(summary_span=pb.TextSpan(start=6, end=8), kind=99),
        ],
    )

    assert _convert.from_response(message) == types.Summary(
        summary="A short summary.",
        alternatives=(types.Alternative("Other.", -0.7, types.FinishReason.STOP, 2),),
        finish_reason=types.FinishReason.LENGTH,
        usage=types.Usage(101, 102, 103, 104, 105),
        timings=types.Timings(0.001, 0.002, 0.003, 0.25, 1.5),
        model="scripted",
        model_version="1.2.3",
        attributions=(
            types.Attribution(
                types.TextSpan(0, 5),
                (types.SourceSpan(types.TextSpan(1, 9), 0.9),),
                types.AttributionKind.COPIED,
            ),
            types.Attribution(types.TextSpan(6, 8), (), types.AttributionKind.UNSPECIFIED),
        ),
        request_id="abc",
        seed=2**64 - 1,
        decoding=types.Decoding(
            types.DecodingMethod.BEAM_SEARCH, 106, 107, 108, "beam search drafts nothing"
        ),
        warnings=(types.SummaryWarning(types.WarningCode.DOCUMENT_RETURNED, "Short."),),
    )


def test_no_seed_differs_from_the_seed_zero() -> None:
    assert _convert.from_response(response()).seed is None
    assert _convert.from_response(response(seed=0)).seed == 0


def test_an_option_of_zero_is_sent_and_one_of_none_is_not() -> None:
    message = _convert.to_options(DecodingOptions(temperature=0.0, top_k=None))

    assert message.HasField("temperature")
    assert not message.HasField("top_k")


def test_options_come_back_as_they_went() -> None:
    options = DecodingOptions(
        max_tokens=1,
        min_tokens=2,
        num_beams=3,
        temperature=0.4,
        top_k=5,
        top_p=0.6,
        seed=7,
        length_penalty=-0.8,
        repetition_penalty=0.9,
        no_repeat_ngram_size=10,
        num_summaries=11,
        min_p=0.12,
        early_stopping=True,
        prefix="",
        banned_phrases=("one", "two"),
        speculation=False,
        no_repeat_word_ngram_size=12,
        only_source_facts=True,
    )

    assert _convert.from_options(_convert.to_options(options)) == options


def test_no_banned_phrase_reads_as_none() -> None:
    assert _convert.from_options(_convert.to_options(DecodingOptions())) == DecodingOptions()


def test_one_text_is_not_taken_for_several_phrases() -> None:
    with pytest.raises(TypeError, match="several phrases"):
        _convert.to_options(DecodingOptions(banned_phrases="we"))  # type: ignore[arg-type]


def test_a_phrase_that_cannot_be_sent_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        _convert.to_options(DecodingOptions(banned_phrases=("\ud800",)))
    assert caught.value.field_violations[0].field == "options.banned_phrases"


def test_a_way_of_decoding_of_a_newer_server_is_unspecified() -> None:
    message = pb.SummarizeResponse.FromString(b"\x5a\x02\x08\x63")  # decoding { method: 99 }

    assert _convert.from_response(message).decoding.method is types.DecodingMethod.UNSPECIFIED


def test_every_part_of_a_model_is_read() -> None:
    read = _convert.from_model(model())

    assert read.languages == ("en", "zh")
    assert read.limits == types.Limits(1022, 128, 100_000, 8)
    assert (read.name, read.version, read.description) == (
        "scripted",
        "1.2.3",
        "Answers by script.",
    )
    assert (read.precision, read.requested_provider, read.actual_provider) == (
        "int8",
        "cpu",
        "CPUExecutionProvider",
    )
    assert (read.provider_fallback, read.provider_fallback_reason) == (False, "")
    assert (read.bundle_sha256, read.license, read.capabilities) == (
        "ab" * 32,
        "Apache-2.0",
        ("sampling",),
    )
    assert [style.name for style in read.styles] == ["brief", "headline"]
    assert read.default_style == "brief"


def test_a_finish_reason_of_a_newer_server_is_unspecified() -> None:
    message = pb.SummarizeResponse.FromString(b"\x18\x63")  # field 3, the reason, is 99

    assert _convert.from_response(message).finish_reason is types.FinishReason.UNSPECIFIED


def test_an_outcome_of_a_newer_server_is_an_error_of_its_item() -> None:
    result = _convert.from_batch_response(pb.SummarizeBatchResponse(item_id="7"))

    assert result.item_id == "7"
    assert result.error is not None

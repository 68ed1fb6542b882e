"""From proto to the server's own words: everything wrong is named, nothing is ignored."""

from typing import Any

import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.errors import Violation
from server.rpc.convert import to_duration, to_request, to_response
from server.types import (
    Attribution,
    AttributionKind,
    AttributionLevel,
    Length,
    LongDocuments,
    OffsetUnit,
    ReadingWay,
    RequestedOptions,
    SourceSpan,
    SummaryRequest,
    SummarySentence,
    SummaryWarning,
    TextSpan,
    WarningCode,
)
from tests.server.rpc.fakes import make_summary

OPTIONS: dict[str, Any] = {
    "max_tokens": 5,
    "min_tokens": 0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "temperature": 0.5,
    "top_k": 0,
    "top_p": 0.25,
    "seed": 2**64 - 1,
    "length_penalty": -0.5,
    "repetition_penalty": 1.5,
    "num_summaries": 2,
    "min_p": 0.0,
    "early_stopping": False,
    "prefix": "",
    "banned_phrases": ("in this paper", "we"),
    "speculation": False,
    "no_repeat_word_ngram_size": 0,
    "only_source_facts": False,
}


def read(**fields: Any) -> SummaryRequest:
    """Reads a request; a field that is not given is as a plain caller would have it."""
    message = pb.SummarizeRequest(**{"document": "Text."} | fields)
    return to_request(message, request_id="fallback", deadline_s=12.5, wants_deltas=True)


def violations(**fields: Any) -> list[Violation]:
    """What is wrong with a message, and is not served."""
    request = read(**fields)
    return [*request.violations, *request.unserved]


def test_a_plain_request_leaves_everything_to_the_defaults() -> None:
    assert read() == SummaryRequest(
        document="Text.", request_id="fallback", deadline_s=12.5, wants_deltas=True
    )


def test_every_option_of_the_proto_is_taken_over_and_zero_is_not_unset() -> None:
    assert OPTIONS.keys() == {field.name for field in pb.DecodingOptions.DESCRIPTOR.fields}
    assert read(options=pb.DecodingOptions(**OPTIONS)).options == RequestedOptions(**OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_is_not_said_stays_unsaid(name: str) -> None:
    others = {other: value for other, value in OPTIONS.items() if other != name}

    asked = read(options=pb.DecodingOptions(**others)).options
    assert getattr(asked, name) == (() if name == "banned_phrases" else None)


def test_an_option_that_this_server_does_not_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.rpc.options._SERVED", {"max_tokens"})
    (violation,) = violations(options=pb.DecodingOptions(max_tokens=1, num_beams=4))

    assert violation.field == "options.num_beams"
    assert violation.description == "is 4, but this server does not serve it: leave it out"


def test_all_that_is_not_served_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.rpc.options._SERVED", {"max_tokens"})
    found = violations(
        options=pb.DecodingOptions(num_beams=4, top_k=5),
    )

    assert {violation.field for violation in found} == {"options.num_beams", "options.top_k"}


@pytest.mark.parametrize("policy", pb.LongDocumentPolicy.values())
def test_every_long_document_policy_is_served(policy: Any) -> None:
    name = pb.LongDocumentPolicy.Name(policy).removeprefix("LONG_DOCUMENT_POLICY_").lower()
    expected = LongDocuments.AUTO if name == "unspecified" else LongDocuments(name)
    assert read(long_document_policy=policy).long_documents is expected


def test_the_form_of_a_summary_of_sentences_is_taken_over() -> None:
    request = read(
        length=pb.Length(words=30, sentences=2),
        sentence_order=pb.SENTENCE_ORDER_RANK,
        bullets=True,
    )
    assert (request.length, request.by_rank, request.bullets) == (Length(30, 2), True, True)
    assert read().length is None


@pytest.mark.parametrize("field", ["words", "sentences"])
def test_a_length_below_0_is_refused(field: str) -> None:
    (violation,) = violations(length=pb.Length(**{field: -1}))
    assert violation == Violation(f"length.{field}", "is -1, must be 0 or more")


@pytest.mark.parametrize("way", ReadingWay)
def test_how_a_document_was_read_is_sent(way: ReadingWay) -> None:
    sentences = (
        SummarySentence(TextSpan(0, 4), TextSpan(7, 11), 1.0),
        SummarySentence(TextSpan(5, 9), None, 0.5),
    )
    sent = to_response(make_summary(way=way, read_spans=(TextSpan(3, 20),), sentences=sentences))
    assert pb.ReadingWay.Name(sent.reading.way) == f"READING_WAY_{way.name}"
    assert [(each.start, each.end) for each in sent.reading.spans] == [(3, 20)]
    assert [each.HasField("source") for each in sent.sentences] == [True, False]
    assert (sent.sentences[0].source.start, sent.sentences[0].score) == (7, 1.0)


@pytest.mark.parametrize("level", AttributionLevel)
def test_the_level_of_an_attribution_is_taken_over(level: AttributionLevel) -> None:
    value = pb.AttributionLevel.Value(f"ATTRIBUTION_LEVEL_{level.name}")
    assert read(attribution=value).attribution is level


@pytest.mark.parametrize("unit", OffsetUnit)
def test_the_unit_of_offsets_is_taken_over(unit: OffsetUnit) -> None:
    assert read(offset_unit=pb.OffsetUnit.Value(f"OFFSET_UNIT_{unit.name}")).offset_unit is unit


@pytest.mark.parametrize("kind", AttributionKind)
def test_each_kind_of_attribution_is_sent_with_its_spans(kind: AttributionKind) -> None:
    spans = (SourceSpan(TextSpan(7, 9), 0.5), SourceSpan(TextSpan(3, 4), 0.25))
    summary = make_summary(attributions=(Attribution(TextSpan(1, 2), spans, kind),))
    assert list(to_response(summary).attributions) == [
        pb.Attribution(
            summary_span=pb.TextSpan(start=1, end=2),
            source_spans=[
                pb.SourceSpan(span=pb.TextSpan(start=7, end=9), weight=0.5),
                pb.SourceSpan(span=pb.TextSpan(start=3, end=4), weight=0.25),
            ],
            kind=pb.AttributionKind.Value(f"ATTRIBUTION_KIND_{kind.name}"),
        )
    ]


@pytest.mark.parametrize("field", ["long_document_policy", "attribution", "offset_unit"])
def test_an_enum_value_that_no_one_knows_is_refused(field: str) -> None:
    (violation,) = violations(**{field: 99})

    assert violation.field == field
    assert "99" in violation.description


@pytest.mark.parametrize(
    "request_id", ["a" * 129, "with space", "línea", "tab\t", "line\n", "\x7f"]
)
def test_a_request_id_that_cannot_be_sent_back_is_refused(request_id: str) -> None:
    (violation,) = violations(request_id=request_id)

    assert violation.field == "request_id"
    assert request_id not in violation.description


def test_a_request_id_is_taken_over() -> None:
    assert read(request_id="!" + "a" * 126 + "~").request_id == "!" + "a" * 126 + "~"


@pytest.mark.parametrize(
    ("seconds", "nanoseconds"), [(0.0, 0), (1.25, 1_250_000_000), (1e-9, 1), (-1e-6, 0)]
)
def test_a_length_of_time_is_written_to_the_nanosecond(seconds: float, nanoseconds: int) -> None:
    assert to_duration(seconds).ToNanoseconds() == nanoseconds


@pytest.mark.parametrize("code", WarningCode)
def test_each_warning_has_its_code_and_its_words(code: WarningCode) -> None:
    summary = make_summary(warnings=(SummaryWarning(code, "Beware."),))
    (sent,) = to_response(summary).warnings
    assert pb.WarningCode.Name(sent.code) == f"WARNING_CODE_{code.name}"
    assert sent.message == "Beware."

"""Real summaries of the default model, traced back to real documents."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import pytest

from bundle.normalise import normalise
from server.errors import InvalidRequest
from server.offline import OfflineEngine, OfflineRequest, OfflineSummary
from server.offline.records import summary_record
from server.types import Attribution, AttributionKind, SourceSpan
from tests.server.runtime.documents import documents
from tests.server.service_harness import CHINESE, ENGLISH

COPIED, GENERATED, GIVEN = AttributionKind.COPIED, AttributionKind.GENERATED, AttributionKind.GIVEN
NUM_DOCUMENTS = 16


def alike(one: Sequence[Attribution], other: Sequence[Attribution]) -> bool:
    """Whether two summaries of a document are traced to the same places.

    In another batch, or with several tokens a step, sums are rounded otherwise.
    """
    rounded = [
        each._replace(
            source_spans=tuple(
                SourceSpan(span, pytest.approx(weight, abs=0.002))  # type: ignore[arg-type]
                for span, weight in each.source_spans
            )
        )
        for each in one
    ]
    return rounded == list(other)


def test_every_copied_word_stands_in_the_document_where_it_is_said_to(
    engine: OfflineEngine,
) -> None:
    texts = documents(NUM_DOCUMENTS)
    kinds = []
    for document, summary in zip(texts, engine.summarise(texts, attribution="word"), strict=True):
        for each in summary.attributions:
            kinds.append(each.kind)
            if each.kind is COPIED:
                found = document[slice(*each.source_spans[0].span)]
                assert found == summary.text[slice(*each.summary_span)]
        letters = re.sub(r"\W", "", summary.text)
        traced = "".join(summary.text[slice(*each.summary_span)] for each in summary.attributions)
        assert re.sub(r"\W", "", traced) == letters, "every word is traced, and once"
    assert kinds.count(COPIED) > kinds.count(GENERATED) > 0


def test_white_space_and_decomposed_letters_change_only_where_a_word_is_said_to_be(
    engine: OfflineEngine,
) -> None:
    plain = normalise(f"{ENGLISH} The caf\xe9 in Zu\u0308rich \U0001f600 is na\xefve.")
    decorated = "\ufeff" + unicodedata.normalize("NFD", plain).replace(" ", "\r\n\t ")
    (one,) = engine.summarise(plain, attribution="word", prefix="The")
    (other,) = engine.summarise(decorated, attribution="word", prefix="The")
    assert one.text == other.text
    for ours, theirs in zip(one.attributions, other.attributions, strict=True):
        assert (ours.summary_span, ours.kind) == (theirs.summary_span, theirs.kind)
        there = [normalise(decorated[slice(*span)]) for span, _ in theirs.source_spans]
        assert there == [plain[slice(*span)] for span, _ in ours.source_spans]
        assert [weight for _, weight in theirs.source_spans] == [
            weight for _, weight in ours.source_spans
        ]


def test_drafts_change_no_attribution(engine: OfflineEngine) -> None:
    texts = documents(8)
    drafted = list(engine.summarise(texts, attribution="word"))
    plain = list(engine.summarise(texts, attribution="word", speculation=False))
    assert sum(each.decoding.accepted_tokens for each in drafted) > 0
    for ours, theirs in zip(drafted, plain, strict=True):
        assert ours.text == theirs.text
        assert alike(ours.attributions, theirs.attributions)


@pytest.mark.parametrize(
    "way",
    [
        {},
        {"num_beams": 3, "num_summaries": 2},
        {"temperature": 0.7, "seed": 5, "num_summaries": 2},
        {"prefix": "The authors"},
    ],
    ids=str,
)
def test_a_summary_is_traced_alike_alone_and_in_company_and_is_the_same_as_without(
    engine: OfflineEngine, way: dict[str, Any]
) -> None:
    texts, options = documents(6), {"max_tokens": 24, **way}
    together = list(engine.summarise(texts, attribution="word", **options))
    for text, found in zip(texts, together, strict=True):
        (alone,) = engine.summarise(text, attribution="word", **options)
        (plain,) = engine.summarise(text, **options)
        assert alone.text == found.text == plain.text
        assert found.attributions
        assert alike(alone.attributions, found.attributions)
        assert not plain.attributions


def test_what_the_prefix_gives_is_given_and_all_else_is_not(engine: OfflineEngine) -> None:
    (summary,) = engine.summarise(ENGLISH, attribution="word", prefix="The authors")
    given = [each for each in summary.attributions if each.kind is GIVEN]
    assert [summary.text[slice(*each.summary_span)] for each in given] == ["The", "authors"]
    assert not any(each.source_spans for each in given)
    assert summary.attributions[: len(given)] == tuple(given)


@pytest.mark.parametrize("document", [ENGLISH, CHINESE])
def test_a_sentence_rests_on_at_most_three_sentences_of_the_document(
    engine: OfflineEngine, document: str
) -> None:
    (summary,) = engine.summarise(document, attribution="sentence", style="detailed")
    shown = [summary.text[slice(*each.summary_span)] for each in summary.attributions]
    assert "".join("".join(shown).split()) == "".join(summary.text.split())
    for each in summary.attributions:
        weights = [weight for _, weight in each.source_spans]
        assert 1 <= len(weights) <= 3
        assert 0 < sum(weights) <= 1
        rest = weights[1:] if each.kind is COPIED else weights
        assert rest == sorted(rest, reverse=True)
        assert all(
            document[slice(*span)].rstrip("\"'”)")[-1] in ".!?。！？；"
            for span, _ in each.source_spans
        )


@pytest.mark.parametrize("level", ["word", "sentence"])
def test_a_document_that_is_its_own_summary_is_copied_whole(
    engine: OfflineEngine, level: Any
) -> None:
    document = "Hello\n wor\ufeffld."
    (summary,) = engine.summarise(document, attribution=level)
    found = [
        (summary.text[slice(*each.summary_span)], document[slice(*span)], weight, each.kind)
        for each in summary.attributions
        for span, weight in each.source_spans
    ]
    whole = [("Hello world.", "Hello\n wor\ufeffld.", 1.0, COPIED)]
    words = [("Hello", "Hello", 1.0, COPIED), ("world", "wor\ufeffld", 1.0, COPIED)]
    assert found == (words if level == "word" else whole)


def test_token_ids_have_no_text_to_be_traced_to(engine: OfflineEngine) -> None:
    ((_, found),) = engine.run([OfflineRequest(source_ids=(9, 10), attribution="word")])
    assert isinstance(found, InvalidRequest)
    assert "attribution: is word, but source_ids give no text" in str(found)


def test_a_level_that_does_not_exist_is_told_at_the_call(engine: OfflineEngine) -> None:
    with pytest.raises(ValueError, match="attribution must be one of '', 'sentence', 'word'"):
        engine.summarise([ENGLISH], attribution="letter")  # type: ignore[arg-type]


def test_the_last_event_of_a_stream_has_the_attributions(engine: OfflineEngine) -> None:
    *_, (_, last) = engine.stream(ENGLISH, attribution="sentence")
    assert isinstance(last, OfflineSummary)
    assert last.attributions


def test_a_line_of_json_has_the_spans_by_name(engine: OfflineEngine) -> None:
    (summary,) = engine.summarise("Hello\n world", attribution="sentence")
    assert summary_record(1, summary)["attributions"] == [
        {
            "summary_span": {"start": 0, "end": 11},
            "source_spans": [{"span": {"start": 0, "end": 12}, "weight": 1.0}],
            "kind": "copied",
        }
    ]
    (plain,) = engine.summarise("Hello\n world")
    assert "attributions" not in summary_record(1, plain)

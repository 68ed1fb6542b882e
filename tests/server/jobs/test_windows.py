"""A document of three windows: one deadline, one permit, one cancellation, one answer."""

import time
from collections.abc import AsyncIterator

import pytest

from server.decoding.strategy import Hypothesis, Look
from server.errors import DeadlineExpired, EngineFailure, InvalidRequest
from server.types import (
    AttributionKind,
    AttributionLevel,
    FinishReason,
    Length,
    LongDocuments,
    Progress,
    ReadingWay,
    TextSpan,
)
from tests.server.factories import BUNDLE, make_model
from tests.server.sharing.harness import TEXT, Caller, Harness

PARTS = (
    "Apples and pears grow in the old garden behind the mill near the river.",
    "Large ships carry coal and iron from the northern harbour to the capital.",
    "Bakers sell fresh bread and warm cakes on the market square each morning.",
)
DOCUMENT = " ".join(PARTS)
BRIEFS = ("Apples grow near the river.", "Ships carry coal.", "Bakers sell bread.")
LENGTH_S = 2.0


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    """Each part of the document fills a window of its own."""
    harness = Harness(model=make_model(max_source_tokens=20))
    yield harness
    harness.service.close()


async def begin(harness: Harness, **changes: object) -> Caller:
    """A caller whose first two windows are in the engine."""
    defaults = {"long_documents": LongDocuments.COVER, "length": Length(sentences=3)}
    caller = harness.call(DOCUMENT, **defaults | changes)
    await harness.until(lambda: len(harness.engine.requests) == 2)
    return caller


async def finish(harness: Harness, index: int, stage_s: float = 0.0) -> None:
    await harness.until(lambda: len(harness.engine.requests) > index)
    harness.engine.write(*BUNDLE.tokenizer.encode(BRIEFS[index]), index=index)
    harness.engine.finish(index, stage_s=stage_s)


async def test_each_part_of_the_document_is_a_window(harness: Harness) -> None:
    caller = await begin(harness)
    await finish(harness, 0)
    await harness.until(lambda: len(harness.engine.requests) == 3)
    read = [BUNDLE.tokenizer.decode(each.source_ids) for each in harness.engine.requests]
    assert tuple(text.strip() for text in read) == PARTS
    await caller.leave()


async def test_the_answer_has_the_windows_in_order_whichever_ends_first(
    harness: Harness,
) -> None:
    caller = await begin(harness)
    for index in (1, 2, 0):
        await finish(harness, index)
    summary = await caller.summary()
    assert summary.text == " ".join(BRIEFS)
    assert summary.finish_reason is FinishReason.STOP
    assert summary.way is ReadingWay.COVERED
    starts = [DOCUMENT.index(part) for part in PARTS]
    ends = [start + len(part) for start, part in zip(starts, PARTS, strict=True)]
    assert list(summary.read_spans) == list(map(TextSpan, starts, ends))
    assert [each.source for each in summary.sentences] == [None] * 3
    await harness.until_empty()


async def test_counts_and_times_are_sums_over_the_windows(harness: Harness) -> None:
    caller = await begin(harness)
    for index in range(3):
        await finish(harness, index, LENGTH_S)
    summary = await caller.summary()
    sources = [len(each.source_ids) for each in harness.engine.requests]
    assert summary.usage.source_tokens == sum(sources)
    assert summary.usage.chunks == 3
    assert summary.usage.document_characters == len(DOCUMENT)
    assert (summary.decoding.steps, summary.decoding.drafted_tokens) == (9, 18)
    assert summary.timings.encode_s == pytest.approx(3 * LENGTH_S)
    assert summary.timings.decode_s == pytest.approx(3 * LENGTH_S)


async def test_a_stream_reports_progress_and_then_the_text(harness: Harness) -> None:
    caller = await begin(harness, wants_deltas=True)
    for index in range(3):
        await harness.until(lambda index=index: len(caller.progress) > index)  # type: ignore[misc]
        await finish(harness, index)
    summary = await caller.summary()
    assert caller.progress == [Progress(done, 3) for done in range(4)]
    assert [delta.text for delta in caller.deltas] == [summary.text]


async def test_what_is_left_of_the_length_is_filled_with_sentences_of_the_document(
    harness: Harness,
) -> None:
    caller = await begin(harness, length=None)
    for index in range(3):
        await finish(harness, index)
    summary = await caller.summary()
    quoted = [each for each in summary.sentences if each.source is not None]
    assert quoted
    for each in quoted:
        source = DOCUMENT[each.source.start : each.source.end]  # type: ignore[union-attr]
        assert source in PARTS
        assert summary.text[each.span.start : each.span.end] == source


async def test_each_sentence_is_traced_to_the_window_that_it_was_written_of_or_quoted_from(
    harness: Harness,
) -> None:
    caller = await begin(harness, length=None, attribution=AttributionLevel.SENTENCE)
    for index, brief in enumerate(BRIEFS):
        await harness.until(lambda index=index: len(harness.engine.requests) > index)  # type: ignore[misc]
        tokens = BUNDLE.tokenizer.encode(brief)
        looks = [Look(place=1 + index, gate=0.5)] * len(tokens)
        harness.engine.finish(index, [Hypothesis(tokens, FinishReason.STOP, -0.5, looks)])
    summary = await caller.summary()
    assert len(summary.attributions) == len(summary.sentences) > 3
    num_written = 0
    for traced, sentence in zip(summary.attributions, summary.sentences, strict=True):
        assert traced.summary_span == sentence.span
        ((span, weight),) = traced.source_spans
        if sentence.source is None:
            number = BRIEFS.index(summary.text[slice(*sentence.span)])
            assert (traced.kind, weight) == (AttributionKind.GENERATED, 0.5)
            assert DOCUMENT[slice(*span)] == PARTS[number]
            num_written += 1
        else:
            assert (traced.kind, weight) == (AttributionKind.COPIED, 1.0)
            assert span == sentence.source
    assert num_written == 3


async def test_windows_let_others_go_first(harness: Harness) -> None:
    caller = await begin(harness)
    other = harness.call(TEXT)
    await harness.until(lambda: len(harness.engine.requests) == 3)
    assert [each.yields for each in harness.engine.requests] == [True, True, False]
    await caller.leave()
    await other.leave()


async def test_no_more_than_two_windows_hold_a_row_at_once(harness: Harness) -> None:
    caller = await begin(harness)
    await harness.until(lambda: harness.gate.tokens > 0)
    assert len(harness.engine.requests) == 2
    await finish(harness, 0)
    await harness.until(lambda: len(harness.engine.requests) == 3)
    await caller.leave()
    await harness.until_empty()


async def test_windows_count_as_one_document_with_the_tokens_of_those_in_the_engine(
    harness: Harness,
) -> None:
    """Those that have yet to come keep nobody waiting, and nobody out."""
    caller = await begin(harness)
    assert harness.gate.documents == 1
    in_engine = sum(len(each.source_ids) for each in harness.engine.requests)
    assert harness.gate.tokens == in_engine
    await caller.leave()
    await harness.until_empty()


async def test_a_window_that_fails_is_named_and_the_others_are_cancelled(
    harness: Harness,
) -> None:
    caller = await begin(harness)
    await finish(harness, 0)
    await harness.until(lambda: len(harness.engine.requests) == 3)
    harness.engine.fail(EngineFailure("it broke"), index=1)
    with pytest.raises(EngineFailure, match=r"^window 2 of 3: it broke$"):
        await caller.summary()
    await harness.until_empty()
    assert harness.engine.cancelled == {0, 1, 2}


async def test_one_deadline_holds_for_all_windows(harness: Harness) -> None:
    deadline_s = time.monotonic() + 0.2
    caller = await begin(harness, deadline_s=deadline_s)
    first, second = harness.engine.requests
    assert first.terms is second.terms
    assert first.terms.deadline_s == deadline_s
    await harness.until(lambda: time.monotonic() > deadline_s)
    harness.engine.fail(DeadlineExpired("running"), index=1)
    with pytest.raises(DeadlineExpired, match=r"window 2 of 3: .* running"):
        await caller.summary()
    await harness.until_empty()


async def test_leaving_cancels_every_window(harness: Harness) -> None:
    caller = await begin(harness)
    await caller.leave()
    await harness.until_empty()
    assert harness.engine.cancelled == {0, 1}


async def test_identical_documents_of_several_windows_share_one_run(harness: Harness) -> None:
    first = await begin(harness)
    second = harness.call(DOCUMENT, long_documents=LongDocuments.COVER, length=Length(sentences=3))
    await harness.until(lambda: harness.gate.documents == 2)
    await first.leave()
    for index in range(3):
        await finish(harness, index)
    assert (await second.summary()).text == " ".join(BRIEFS)
    assert len(harness.engine.requests) == 3


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"prefix": "We"}, "options.prefix"),
        ({"banned_phrases": ("we",)}, "options.banned_phrases"),
        ({"num_beams": 2, "num_summaries": 2}, "options.num_summaries"),
        ({"min_tokens": 5}, "options.min_tokens"),
        ({"attribution": AttributionLevel.WORD}, "attribution"),
    ],
)
async def test_what_is_about_one_text_is_refused_by_name(
    harness: Harness, options: dict[str, object], field: str
) -> None:
    caller = harness.call(DOCUMENT, long_documents=LongDocuments.COVER, **options)
    with pytest.raises(InvalidRequest, match="COVER") as caught:
        await caller.summary()
    assert [each.field for each in caught.value.violations] == [field]


async def test_a_document_of_one_window_reports_no_progress() -> None:
    harness = Harness()
    caller = harness.call(wants_deltas=True)
    await harness.until_inside(1)
    harness.engine.write(*BUNDLE.tokenizer.encode(TEXT))
    harness.engine.finish()
    await caller.summary()
    assert caller.progress == []
    harness.service.close()

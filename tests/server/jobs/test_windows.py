"""A document of three windows: one deadline, one permit, one cancellation, one answer."""

import time
from collections.abc import AsyncIterator, Sequence

import pytest

from server.decoding.strategy import Hypothesis
from server.errors import DeadlineExpired, EngineFailure
from server.jobs.reading import Span
from server.types import FinishReason, Progress
from tests.server.factories import BUNDLE
from tests.server.sharing.harness import TEXT, TOKENS, Caller, Harness

DOCUMENT = "First part. Second part. Third part."
LENGTH_S = 2.0


def thirds(document: str) -> Sequence[Span]:
    size = len(document) // 3
    return [Span(0, size), Span(size, 2 * size), Span(2 * size, len(document))]


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    harness = Harness(split=thirds)
    yield harness
    harness.service.close()


def tokens(text: str) -> list[int]:
    return BUNDLE.tokenizer.encode(text)


async def begin(harness: Harness, **changes: object) -> Caller:
    """A caller whose first two windows are in the engine."""
    caller = harness.call(DOCUMENT, **changes)
    await harness.until(lambda: len(harness.engine.requests) == 2)
    return caller


async def finish(harness: Harness, index: int, text: str) -> None:
    await harness.until(lambda: len(harness.engine.requests) > index)
    harness.engine.write(*tokens(text), index=index)
    harness.engine.finish(index)


async def test_the_windows_are_the_whole_document_in_order(harness: Harness) -> None:
    caller = await begin(harness)
    await finish(harness, 0, "one")
    await harness.until(lambda: len(harness.engine.requests) == 3)
    read = [BUNDLE.tokenizer.decode(each.source_ids) for each in harness.engine.requests]
    assert [text.strip() for text in read] == ["First part.", "Second part.", "Third part."]
    await caller.leave()


async def test_the_answer_joins_the_windows_in_order_whichever_ends_first(
    harness: Harness,
) -> None:
    caller = await begin(harness)
    await finish(harness, 1, "two")
    await finish(harness, 2, "three")
    await finish(harness, 0, "one")
    summary = await caller.summary()
    assert summary.text == "one\ntwo\nthree"
    assert summary.finish_reason is FinishReason.STOP
    await harness.until_empty()


async def test_counts_and_times_are_sums_over_the_windows(harness: Harness) -> None:
    caller = await begin(harness)
    for index in range(3):
        await harness.until(lambda index=index: len(harness.engine.requests) > index)  # type: ignore[misc]
        harness.engine.write(*TOKENS, index=index)
        harness.engine.finish(index, stage_s=LENGTH_S)
    summary = await caller.summary()
    sources = [len(each.source_ids) for each in harness.engine.requests]
    assert summary.usage.source_tokens == sum(sources)
    assert summary.usage.summary_tokens == 3 * len(TOKENS)
    assert summary.usage.chunks == 3
    assert summary.usage.document_characters == len(DOCUMENT)
    assert (summary.decoding.steps, summary.decoding.drafted_tokens) == (9, 18)
    assert summary.timings.encode_s == pytest.approx(3 * LENGTH_S)
    assert summary.timings.decode_s == pytest.approx(3 * LENGTH_S)


async def test_a_stream_reports_progress_and_then_the_text(harness: Harness) -> None:
    caller = await begin(harness, wants_deltas=True)
    await harness.until(lambda: caller.progress == [Progress(0, 3)])
    for index, text in enumerate(("one", "two", "three")):
        await finish(harness, index, text)
        await harness.until(lambda index=index: len(caller.progress) > index + 1)  # type: ignore[misc]
    summary = await caller.summary()
    assert caller.progress == [Progress(done, 3) for done in range(4)]
    assert caller.text == summary.text == "one\ntwo\nthree"


async def test_the_summaries_of_one_rank_are_joined(harness: Harness) -> None:
    caller = await begin(harness, num_beams=2, num_summaries=2)
    for index in range(3):
        await harness.until(lambda index=index: len(harness.engine.requests) > index)  # type: ignore[misc]
        best = Hypothesis(tokens("best"), FinishReason.STOP, -0.5)
        second = Hypothesis(tokens("second"), FinishReason.LENGTH, -1.0 - index)
        harness.engine.finish(index, [best, second])
    summary = await caller.summary()
    assert [each.text for each in summary.alternatives] == [
        "best\nbest\nbest",
        "second\nsecond\nsecond",
    ]
    assert [each.score for each in summary.alternatives] == [-0.5, -2.0]
    assert summary.alternatives[1].finish_reason is FinishReason.LENGTH


async def test_no_more_than_two_windows_hold_a_row_at_once(harness: Harness) -> None:
    caller = await begin(harness)
    for _ in range(5):
        await harness.until(lambda: harness.gate.tokens > 0)
    assert len(harness.engine.requests) == 2
    await finish(harness, 0, "one")
    await harness.until(lambda: len(harness.engine.requests) == 3)
    await caller.leave()
    await harness.until_empty()


async def test_all_windows_count_as_one_document_with_all_tokens(harness: Harness) -> None:
    caller = await begin(harness)
    assert harness.gate.documents == 1
    in_engine = sum(len(each.source_ids) for each in harness.engine.requests)
    assert harness.gate.tokens > in_engine
    await caller.leave()
    await harness.until_empty()


async def test_a_window_that_fails_is_named_and_the_others_are_cancelled(
    harness: Harness,
) -> None:
    caller = await begin(harness)
    await finish(harness, 0, "one")
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
    second = harness.call(DOCUMENT)
    await harness.until(lambda: harness.gate.documents == 2)
    await first.leave()
    for index, text in enumerate(("one", "two", "three")):
        await finish(harness, index, text)
    assert (await second.summary()).text == "one\ntwo\nthree"
    assert len(harness.engine.requests) == 3


async def test_a_document_of_one_window_reports_no_progress() -> None:
    harness = Harness()
    caller = harness.call(wants_deltas=True)
    await harness.until_inside(1)
    await finish(harness, 0, TEXT)
    await caller.summary()
    assert caller.progress == []
    harness.service.close()

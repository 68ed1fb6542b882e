"""What was answered once is answered again, without a row and without tokens in the gate."""

import pytest

from server.decoding.strategy import Hypothesis, Look
from server.errors import EngineFailure
from server.types import AttributionLevel, FinishReason, OffsetUnit, Origin, Timings
from tests.server.factories import BUNDLE
from tests.server.sharing.harness import TEXT, TOKENS, Harness

DOCUMENT = "\U0001f31e sun."


async def answer_once(harness: Harness, **changes: object) -> None:
    computations = len(harness.engine.requests) + 1
    caller = harness.call(**changes)
    await harness.until_inside(1, computations=computations)
    harness.engine.write(*TOKENS, index=-1)
    harness.engine.finish(-1)
    await caller.summary()


async def test_a_hit_needs_no_row_and_has_no_times_but_the_total(caching: Harness) -> None:
    await answer_once(caching)

    summary = await caching.call(request_id="again").summary()
    assert (summary.text, summary.origin, summary.request_id) == (TEXT, Origin.CACHED, "again")
    assert len(caching.engine.requests) == 1
    assert summary.timings.total_s > 0
    assert summary.timings == Timings(
        queue_s=0, tokenize_s=0, encode_s=0, decode_s=0, total_s=summary.timings.total_s
    )
    assert summary.usage.summary_tokens == 5
    assert summary.decoding.steps == 3
    assert caching.counts.asked == [False, True]


async def test_a_streamed_hit_is_one_delta(caching: Harness) -> None:
    await answer_once(caching)

    caller = caching.call(wants_deltas=True)
    await caller.summary()
    assert [(delta.text, delta.summary_tokens) for delta in caller.deltas] == [(TEXT, 5)]


async def test_a_hit_is_answered_also_where_the_gate_is_full(caching: Harness) -> None:
    await answer_once(caching)
    others = [caching.call(f"Document {number}.") for number in range(2)]
    await caching.until_inside(2, computations=3)

    assert (await caching.call().summary()).origin is Origin.CACHED
    for other in others:
        await other.leave()


async def test_other_options_are_another_result(caching: Harness) -> None:
    await answer_once(caching)
    await answer_once(caching, max_tokens=9)
    assert caching.counts.asked == [False, False]


async def test_with_and_without_attribution_they_are_different_results(caching: Harness) -> None:
    await answer_once(caching)
    caller = caching.call(DOCUMENT, attribution=AttributionLevel.WORD)
    await caching.until_inside(1, computations=2)
    assert caching.counts.asked == [False, False]
    await caller.leave()


async def test_what_offsets_count_is_settled_for_each_request(caching: Harness) -> None:
    (word,) = BUNDLE.tokenizer.encode(" sun")
    caller = caching.call(DOCUMENT, attribution=AttributionLevel.WORD)
    await caching.until_inside(1)
    looks = [Look(list(caching.engine.requests[0].source_ids).index(word), 1.0)]
    caching.engine.finish(0, [Hypothesis([word], FinishReason.STOP, -0.5, looks)])
    spans = [(await caller.summary()).attributions[0].source_spans[0].span]
    for unit in (OffsetUnit.UTF16, OffsetUnit.BYTE):
        again = caching.call(DOCUMENT, attribution=AttributionLevel.WORD, offset_unit=unit)
        summary = await again.summary()
        assert summary.origin is Origin.CACHED
        spans.append(summary.attributions[0].source_spans[0].span)
    assert spans == [(2, 5), (3, 6), (5, 8)]


async def test_a_failure_is_not_kept(caching: Harness) -> None:
    caller = caching.call()
    await caching.until_inside(1)
    caching.engine.fail(EngineFailure("broken"))
    with pytest.raises(EngineFailure):
        await caller.summary()

    await answer_once(caching)


async def test_samples_are_kept_only_with_the_seed_that_was_asked_for(caching: Harness) -> None:
    await answer_once(caching, temperature=1.0)
    assert caching.counts.asked == []
    await answer_once(caching, temperature=1.0, seed=100)
    again = await caching.call(temperature=1.0, seed=100).summary()
    assert (again.seed, again.origin) == (100, Origin.CACHED)


async def test_who_joins_is_no_hit(caching: Harness) -> None:
    callers = [caching.call(), caching.call()]
    await caching.until_inside(2)
    caching.engine.finish()

    assert [(await caller.summary()).origin for caller in callers] == [
        Origin.COMPUTED,
        Origin.SHARED,
    ]
    assert caching.counts.asked == [False, False]

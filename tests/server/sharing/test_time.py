"""Requests without enough time are refused, unless the answer is cached or being computed."""

import time

import pytest

from server.engine.pace import Pace
from server.errors import DeadlineTooShort, Overloaded
from server.types import LongDocuments, Origin
from tests.server.factories import BUNDLE, make_request
from tests.server.sharing.harness import TOKENS, Harness

# Every step takes 0.1 s, however many share it: a summary of 40 tokens some 3 s.
PACE = Pace(token_s=0.0, step_start_s=0.1, step_row_s=0.0)
SLOW = Pace(token_s=0.0, step_start_s=0.0, step_row_s=1.0)


def in_s(seconds: float) -> float:
    return time.monotonic() + seconds


async def test_a_deadline_shorter_than_the_estimate_is_refused_and_leaves_no_trace(
    harness: Harness,
) -> None:
    harness.pace = PACE
    with pytest.raises(DeadlineTooShort, match=r"about [1-9][.\d]* s even on an idle server"):
        await harness.call(deadline_s=in_s(0.9)).summary()
    assert harness.engine.requests == []
    await harness.until_empty()


async def test_a_summary_that_is_to_be_short_needs_less_time(harness: Harness) -> None:
    harness.pace = PACE
    caller = harness.call(max_tokens=2, deadline_s=in_s(20))
    await harness.until_inside(1)
    assert harness.engine.requests[0].expected_steps == 2
    await caller.leave()


async def test_a_queue_too_long_for_the_deadline_is_refused_with_a_retry_time(
    harness: Harness,
) -> None:
    harness.pace = SLOW
    others = [harness.call(f"Document {number}.") for number in range(3)]
    await harness.until_inside(3, computations=3)

    # Some 30 steps, which take 1 s each alone and 4 s in fours.
    with pytest.raises(Overloaded, match="the queue is too long") as caught:
        await harness.call(deadline_s=in_s(60)).summary()
    assert caught.value.retry_after_s >= 0.1
    for caller in others:
        await caller.leave()
    await harness.until_empty()
    assert harness.gate.backlog_s == 0


async def test_joining_an_identical_request_is_never_refused_for_lack_of_time(
    harness: Harness,
) -> None:
    harness.pace = PACE
    first = harness.call()
    await harness.until_inside(1)
    second = harness.call(deadline_s=in_s(0.9))
    await harness.until_inside(2)
    harness.engine.write(*TOKENS)
    harness.engine.finish()
    assert (await first.summary()).origin is Origin.COMPUTED
    assert (await second.summary()).origin is Origin.SHARED


async def test_a_cached_answer_is_never_refused_for_lack_of_time(caching: Harness) -> None:
    first = caching.call()
    await caching.until_inside(1)
    caching.engine.write(*TOKENS)
    caching.engine.finish()
    await first.summary()

    caching.pace = PACE
    summary = await caching.call(deadline_s=in_s(0.9)).summary()
    assert summary.origin is Origin.CACHED


async def test_the_work_of_a_computation_counts_once_however_many_wait_for_it(
    harness: Harness,
) -> None:
    harness.pace = PACE
    callers = [harness.call()]
    await harness.until_inside(1)
    alone_s = harness.gate.backlog_s
    callers += [harness.call(), harness.call()]
    await harness.until_inside(3)
    assert harness.gate.backlog_s == alone_s > 0
    await callers[0].leave()
    assert harness.gate.backlog_s == alone_s
    for caller in callers[1:]:
        await caller.leave()
    await harness.until_empty()
    assert harness.gate.backlog_s == 0


async def test_a_caller_who_leaves_before_tokenising_frees_the_estimated_work(
    harness: Harness,
) -> None:
    harness.pace = PACE
    caller = harness.call()
    await harness.until(lambda: harness.gate.documents == 1)
    await caller.leave()
    await harness.until_empty()
    assert harness.gate.backlog_s == 0


async def test_a_document_that_is_too_long_is_refused_for_its_length_and_not_for_time(
    harness: Harness,
) -> None:
    harness.pace = PACE
    with pytest.raises(Exception, match="at most 1022 are read at once"):
        await harness.call(
            "word " * 3000, deadline_s=in_s(0.9), long_documents=LongDocuments.REFUSE
        ).summary()


async def test_a_refusal_by_an_old_measurement_starts_a_new_one() -> None:
    harness = Harness(warm_up=make_request("A first document.", max_tokens=2))
    harness.pace = Pace(0.0, 10.0, 0.0, measured_s=time.monotonic() - 60)
    with pytest.raises(DeadlineTooShort):
        await harness.call(deadline_s=in_s(5)).summary()
    await harness.until(lambda: len(harness.engine.requests) == 1)
    (request,) = harness.engine.requests
    assert request.terms.deadline_s is None
    assert list(request.source_ids[1:-1]) == BUNDLE.tokenizer.encode("A first document.")
    harness.engine.write(*TOKENS[:2])
    harness.engine.finish()
    await harness.until_empty()
    harness.service.close()


async def test_the_service_learns_how_long_summaries_become(harness: Harness) -> None:
    expected = []
    for number in range(12):
        caller = harness.call(f"Document {number}.")
        await harness.until_inside(1, computations=number + 1)
        expected.append(harness.engine.requests[-1].expected_steps)
        harness.engine.write(*TOKENS, index=-1)
        harness.engine.finish(-1)
        await caller.summary()
    assert expected == sorted(expected, reverse=True)
    assert expected[-1] < expected[0] / 2

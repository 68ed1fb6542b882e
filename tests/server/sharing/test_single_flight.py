"""Identical requests share one computation, and nobody's leaving harms another."""

import asyncio
from typing import Any

import pytest

from server.decoding.strategy import Hypothesis
from server.errors import EngineFailure, InvalidRequest, Overloaded
from server.types import FinishReason, LongDocuments, Method, Origin
from tests.server.sharing.harness import TEXT, TOKENS, Harness


async def test_identical_requests_are_computed_once_and_each_gets_its_own_reply(
    harness: Harness,
) -> None:
    first = harness.call(request_id="first")
    second = harness.call(request_id="second")
    await harness.until_inside(2)
    harness.engine.write(*TOKENS)
    harness.engine.finish()

    one, other = await first.summary(), await second.summary()
    assert one.text == other.text == TEXT
    assert (one.request_id, other.request_id) == ("first", "second")
    assert (one.origin, other.origin) == (Origin.COMPUTED, Origin.SHARED)
    assert one.decoding == other.decoding
    assert (one.decoding.method, one.decoding.steps) == (Method.GREEDY, 3)
    assert (one.decoding.drafted_tokens, one.decoding.accepted_tokens) == (6, 4)
    assert harness.counts.joins == 1
    await harness.until_empty()


@pytest.mark.parametrize(
    "changes",
    [
        {"document": "Another document."},
        {"style": "headline"},
        {"max_tokens": 9},
        {"num_beams": 2},
        {"prefix": "We"},
        {"banned_phrases": ("we",)},
        {"temperature": 0.5, "seed": 1},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_requests_that_differ_in_what_counts_are_computed_apart(
    harness: Harness, changes: dict[str, Any]
) -> None:
    callers = [harness.call(), harness.call(**changes)]
    await harness.until_inside(2, computations=2)
    for caller in callers:
        await caller.leave()


async def test_an_option_said_and_the_same_by_default_are_identical(harness: Harness) -> None:
    callers = [harness.call(style="brief", num_beams=1), harness.call(language="en")]
    await harness.until_inside(2)
    for caller in callers:
        await caller.leave()


async def test_who_joins_late_gets_what_is_written_so_far_and_then_the_rest(
    harness: Harness,
) -> None:
    leader = harness.call(wants_deltas=True)
    await harness.until_inside(1)
    harness.engine.write(*TOKENS[:2])
    await harness.until(lambda: leader.text == "one two")
    follower = harness.call(wants_deltas=True)
    await harness.until(lambda: follower.text == "one two")
    harness.engine.write(*TOKENS[2:])
    harness.engine.finish()

    assert (await follower.summary()).text == (await leader.summary()).text == TEXT
    assert follower.text == leader.text == TEXT
    assert [delta.summary_tokens for delta in follower.deltas] == [2, 5]


async def test_who_streams_hears_also_what_was_written_while_nobody_did(harness: Harness) -> None:
    leader = harness.call()
    await harness.until_inside(1)
    harness.engine.write(*TOKENS[:2])
    assert not harness.engine.requests[0].terms.wants_tokens

    follower = harness.call(wants_deltas=True)
    await harness.until_inside(2)
    harness.engine.write(TOKENS[2])
    await harness.until(lambda: follower.text == "one two three")
    await follower.leave()
    assert not harness.engine.requests[0].terms.wants_tokens
    harness.engine.write(*TOKENS[3:])
    harness.engine.finish()

    assert (await leader.summary()).text == TEXT
    assert leader.deltas == []


async def test_a_leader_who_leaves_does_not_take_its_followers_with_it(harness: Harness) -> None:
    leader, follower = harness.call(), harness.call()
    await harness.until_inside(2)
    await leader.leave()
    harness.engine.write(*TOKENS)
    harness.engine.finish()

    assert (await follower.summary()).text == TEXT
    assert len(harness.engine.requests) == 1
    await harness.until_empty()


async def test_a_leader_who_leaves_before_the_engine_is_reached_takes_nobody_with_it(
    harness: Harness,
) -> None:
    leader, follower = harness.call(), harness.call()
    await asyncio.sleep(0)
    await leader.leave()
    await harness.until_inside(1)
    harness.engine.write(*TOKENS)
    harness.engine.finish()

    assert (await follower.summary()).text == TEXT


async def test_a_follower_who_leaves_is_not_missed(harness: Harness) -> None:
    leader, follower = harness.call(), harness.call()
    await harness.until_inside(2)
    await follower.leave()
    harness.engine.write(*TOKENS)
    harness.engine.finish()

    assert (await leader.summary()).text == TEXT


async def test_once_everyone_has_left_the_row_is_freed(harness: Harness) -> None:
    callers = [harness.call(), harness.call(wants_deltas=True)]
    await harness.until_inside(2)
    for caller in callers:
        await caller.leave()

    await harness.until_empty()
    assert harness.engine.cancelled == {0}


async def test_who_comes_once_everyone_has_left_begins_anew(harness: Harness) -> None:
    leader = harness.call()
    await harness.until_inside(1)
    await leader.leave()
    late = harness.call()
    await harness.until_inside(1, computations=2)
    harness.engine.write(*TOKENS, index=1)
    harness.engine.finish(1)

    summary = await late.summary()
    assert (summary.text, summary.origin) == (TEXT, Origin.COMPUTED)


async def test_who_comes_after_the_end_begins_anew(harness: Harness) -> None:
    for index in range(2):
        caller = harness.call()
        await harness.until_inside(1, computations=index + 1)
        harness.engine.finish(index)
        assert (await caller.summary()).origin is Origin.COMPUTED


async def test_a_failure_of_the_engine_is_told_to_all(harness: Harness) -> None:
    callers = [harness.call(), harness.call()]
    await harness.until_inside(2)
    harness.engine.fail(EngineFailure("the model gave no number"))

    for caller in callers:
        with pytest.raises(EngineFailure, match="no number"):
            await caller.summary()
    await harness.until_empty()


async def test_a_refusal_after_tokenising_is_told_to_all(harness: Harness) -> None:
    refuse = LongDocuments.REFUSE
    callers = [harness.call("word " * 1500, long_documents=refuse) for _ in range(2)]
    for caller in callers:
        with pytest.raises(InvalidRequest, match="at most 1022 are read at once"):
            await caller.summary()
    assert harness.counts.joins == 1
    await harness.until_empty()


async def test_a_refusal_names_a_phrase_by_its_place_in_the_callers_own_list(
    harness: Harness,
) -> None:
    phrases = ("two", "three")
    for banned, place in ((phrases, 0), (phrases[::-1], 1)):
        with pytest.raises(InvalidRequest) as caught:
            await harness.call(prefix="one two", banned_phrases=banned).summary()
        assert [each.field for each in caught.value.violations] == [
            f"options.banned_phrases[{place}]"
        ]


async def test_each_waiter_counts_as_a_document_and_the_tokens_count_once() -> None:
    harness = Harness(max_documents=2)
    first = harness.call()
    await harness.until_inside(1)
    tokens = harness.gate.tokens
    second = harness.call()
    await harness.until_inside(2)
    assert harness.gate.tokens == tokens > 0
    with pytest.raises(Overloaded, match="2 documents are in work"):
        await harness.call().summary()
    await first.leave()
    assert harness.gate.tokens == tokens
    await second.leave()
    await harness.until_empty()


async def test_samples_without_a_seed_are_never_shared(harness: Harness) -> None:
    callers = [harness.call(temperature=1.0) for _ in range(2)]
    await harness.until_inside(2, computations=2)
    for index in range(2):
        harness.engine.finish(index)

    seeds = [(await caller.summary()).seed for caller in callers]
    assert sorted(seed for seed in seeds if seed is not None) == [100, 101]


async def test_samples_of_the_same_seed_are_shared(harness: Harness) -> None:
    callers = [harness.call(temperature=1.0, seed=0) for _ in range(2)]
    await harness.until_inside(2)
    harness.engine.finish()

    assert [(await caller.summary()).seed for caller in callers] == [0, 0]


async def test_several_summaries_come_best_first_with_scores_and_the_text_at_the_end(
    harness: Harness,
) -> None:
    caller = harness.call(temperature=1.0, num_summaries=2, wants_deltas=True)
    await harness.until_inside(1)
    harness.engine.finish(
        hypotheses=[
            Hypothesis(TOKENS, FinishReason.STOP, -0.25),
            Hypothesis(TOKENS[:2], FinishReason.LENGTH, -0.75),
        ]
    )

    summary = await caller.summary()
    assert [delta.text for delta in caller.deltas] == [TEXT] == [summary.text]
    assert [
        (each.text, each.score, each.finish_reason, each.summary_tokens)
        for each in summary.alternatives
    ] == [(TEXT, -0.25, FinishReason.STOP, 5), ("one two", -0.75, FinishReason.LENGTH, 2)]


@pytest.mark.parametrize("single_flight", [True, False])
async def test_closing_the_service_ends_what_is_under_way(single_flight: bool) -> None:
    harness = Harness(single_flight=single_flight)
    caller = harness.call()
    await harness.until_inside(1)
    harness.service.close()

    with pytest.raises(EngineFailure, match="the server stopped"):
        await caller.summary()
    await harness.until_empty()


async def test_sharing_can_be_switched_off() -> None:
    harness = Harness(single_flight=False)
    callers = [harness.call(), harness.call()]
    await harness.until_inside(2, computations=2)
    for caller in callers:
        await caller.leave()
    await harness.until_empty()

"""Every decoding option through the service, over the real model."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.errors import InvalidRequest
from server.runtime.ort_runner import OrtRunner
from server.sharing.result_cache import ResultCache
from server.types import Method, Origin, Summary
from tests.server.factories import BUNDLE, make_model, make_request
from tests.server.service_harness import CHINESE, ENGLISH, Harness, summarise


@pytest.fixture(scope="module")
def runner() -> OrtRunner:
    return OrtRunner(BUNDLE)


@pytest.fixture
async def harness(runner: OrtRunner) -> AsyncIterator[Harness]:
    harness = Harness(make_model(), runner, max_documents=9, cache=ResultCache(1 << 20))
    yield harness
    await harness.close()


async def ask(harness: Harness, document: str = ENGLISH, **options: Any) -> Summary:
    """Asks for a stream, and checks that it is the summary."""
    deltas, summary = await summarise(
        harness, make_request(document, wants_deltas=True, **{"max_tokens": 24} | options)
    )
    assert "".join(delta.text for delta in deltas) == summary.text
    return summary


@pytest.mark.parametrize(
    ("document", "prefix"), [(ENGLISH, "The authors of FlickCD"), (CHINESE, "作者提出了")]
)
@pytest.mark.parametrize("options", [{}, {"num_beams": 2}, {"temperature": 0.5, "seed": 1}])
async def test_a_summary_begins_with_its_prefix_whatever_the_way(
    harness: Harness, document: str, prefix: str, options: dict[str, Any]
) -> None:
    summary = await ask(harness, document, prefix=prefix, **options)
    assert summary.text.startswith(prefix)
    assert len(summary.text) > len(prefix)


@pytest.mark.parametrize("options", [{}, {"num_beams": 2}])
async def test_a_banned_phrase_is_not_written(harness: Harness, options: dict[str, Any]) -> None:
    words = (await ask(harness, **options)).text.split()
    phrase = " ".join(words[2:4])
    summary = await ask(harness, banned_phrases=(phrase,), **options)
    # A longer word may begin so, if it is spelled with other tokens.
    assert f" {phrase} " not in f" {summary.text} "


async def test_beams_give_several_summaries_best_first(harness: Harness) -> None:
    summary = await ask(harness, num_beams=3, num_summaries=3)
    assert summary.decoding.method is Method.BEAM_SEARCH
    assert summary.alternatives[0].text == summary.text
    scores = [each.score for each in summary.alternatives]
    assert scores == sorted(scores, reverse=True)
    assert len({each.text for each in summary.alternatives}) == 3


async def test_a_sample_is_given_again_by_the_seed_that_was_told(harness: Harness) -> None:
    drawn = await ask(harness, temperature=1.0, top_p=0.9)
    assert drawn.seed is not None
    again = await ask(harness, temperature=1.0, top_p=0.9, seed=drawn.seed)
    other = await ask(harness, temperature=1.0, top_p=0.9, seed=(drawn.seed + 1) % 2**64)
    assert (again.text, again.origin) == (drawn.text, Origin.COMPUTED)
    assert other.text != drawn.text


async def test_speculation_changes_the_steps_and_not_the_summary(harness: Harness) -> None:
    with_drafts, without = await ask(harness), await ask(harness, speculation=False)
    assert with_drafts.text == without.text
    assert without.decoding.drafted_tokens == 0
    assert without.decoding.speculation_off
    assert not with_drafts.decoding.speculation_off


async def test_identical_requests_share_and_later_ones_hit(harness: Harness) -> None:
    both = await asyncio.gather(ask(harness), ask(harness))
    later = await ask(harness)
    assert {summary.origin for summary in both} == {Origin.COMPUTED, Origin.SHARED}
    assert later.origin is Origin.CACHED
    assert len({summary.text for summary in (*both, later)}) == 1


async def test_a_prefix_that_leaves_no_room_is_refused_before_anything_runs(
    harness: Harness,
) -> None:
    with pytest.raises(InvalidRequest, match=r"fewer than options\.max_tokens = 2"):
        await ask(harness, prefix="One two three", max_tokens=2)
    await harness.until_empty()

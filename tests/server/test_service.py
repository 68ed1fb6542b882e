"""The use case over the real model: a document in, its summary out, and nothing left behind."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from server.errors import DeadlineExpired, InvalidRequest, Overloaded, UnknownModel
from server.runtime.ort_runner import OrtRunner
from server.types import FinishReason, LongDocuments, Summary
from tests.server.factories import BUNDLE, make_model, make_request
from tests.server.service_harness import CHINESE, ENGLISH, PATIENCE_S, Harness, summarise

# Hundreds of steps, so that there is time to interfere.
LONG = {"max_tokens": 500, "min_tokens": 500}


@pytest.fixture(scope="module")
def runner() -> OrtRunner:
    return OrtRunner(BUNDLE)


@pytest.fixture
async def harness(runner: OrtRunner) -> AsyncIterator[Harness]:
    harness = Harness(make_model(max_document_bytes=100_000), runner, max_documents=3)
    yield harness
    await harness.close()


@pytest.mark.parametrize("document", [ENGLISH, CHINESE])
async def test_the_deltas_joined_are_the_summary(harness: Harness, document: str) -> None:
    deltas, summary = await summarise(harness, make_request(document, wants_deltas=True))
    assert "".join(delta.text for delta in deltas) == summary.text
    assert len(deltas) > 3
    assert deltas[-1].summary_tokens <= summary.usage.summary_tokens


async def test_the_summary_is_the_same_with_and_without_deltas(harness: Harness) -> None:
    _, streamed = await summarise(harness, make_request(CHINESE, wants_deltas=True))
    deltas, whole = await summarise(harness, make_request(CHINESE))
    assert deltas == []
    assert whole.text == streamed.text


async def test_usage_and_timings_tell_what_happened(harness: Harness) -> None:
    _, summary = await summarise(harness, make_request(ENGLISH, max_tokens=5))
    assert summary.finish_reason is FinishReason.LENGTH
    assert summary.usage.summary_tokens == 5
    assert summary.usage.document_characters == len(ENGLISH)
    assert summary.usage.source_tokens > 100
    assert summary.usage.chunks == 1
    timings = summary.timings
    parts = timings.queue_s + timings.tokenize_s + timings.encode_s + timings.decode_s
    assert 0 < parts <= timings.total_s
    assert min(timings.encode_s, timings.decode_s, timings.tokenize_s) > 0


async def test_text_before_every_document_is_read_with_it(
    runner: OrtRunner, harness: Harness
) -> None:
    plain = make_model()
    brief, *others = plain.manifest.styles
    introduced = (replace(brief, prefix_text="Summarise: "), *others)
    model = replace(plain, manifest=replace(plain.manifest, styles=introduced))
    other = Harness(model, runner, max_documents=3)
    _, expected = await summarise(harness, make_request("Summarise: " + CHINESE, max_tokens=9))
    _, found = await summarise(other, make_request(CHINESE, max_tokens=9))
    await other.close()
    assert found.text == expected.text
    assert found.usage.source_tokens == expected.usage.source_tokens
    assert found.usage.document_characters == len(CHINESE)


async def test_a_document_of_too_many_tokens_is_told_both_numbers(harness: Harness) -> None:
    with pytest.raises(InvalidRequest, match=r"has \d{4} tokens, at most 1022 are read at once"):
        await summarise(harness, make_request(ENGLISH * 8, long_documents=LongDocuments.REFUSE))
    await harness.until_empty()


async def test_a_document_that_cannot_fit_is_refused_without_being_tokenised(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> list[int]:
        raise AssertionError("tokenised")

    monkeypatch.setattr(BUNDLE.tokenizer, "encode", fail)
    with pytest.raises(InvalidRequest, match=r"has more than \d+ tokens, at most 1022 are"):
        await summarise(harness, make_request(ENGLISH * 30, long_documents=LongDocuments.REFUSE))


async def test_a_deadline_counts_while_others_are_tokenised(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = threading.Event()
    monkeypatch.setattr(BUNDLE.tokenizer, "encode", lambda text: [busy.wait(PATIENCE_S), 100][1:])
    waiting = [
        asyncio.create_task(summarise(harness, make_request(f"Document {number}.")))
        for number in range(2)
    ]
    await asyncio.sleep(0)
    with pytest.raises(DeadlineExpired, match="tokenised"):
        await summarise(harness, make_request(deadline_s=time.monotonic() + 0.05))
    busy.set()
    await asyncio.gather(*waiting)


async def test_the_longest_document_that_fits_is_served(harness: Harness) -> None:
    words = "word " * 1022
    assert len(BUNDLE.tokenizer.encode(words.strip())) == 1022
    _, summary = await summarise(harness, make_request(words, max_tokens=2))
    assert summary.usage.source_tokens == 1024


async def test_an_unknown_model_or_version_is_told_what_there_is(harness: Harness) -> None:
    with pytest.raises(UnknownModel, match="available: precis-default version"):
        await summarise(harness, make_request(model="other"))
    with pytest.raises(UnknownModel, match="version 9"):
        await summarise(harness, make_request(model_version="9"))


async def test_a_full_gate_refuses_at_once_and_serves_again_afterwards(harness: Harness) -> None:
    async def one() -> Summary:
        return (await summarise(harness, make_request(ENGLISH)))[1]

    outcomes = await asyncio.gather(*(one() for _ in range(5)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(refused) == 2
    assert all(outcome.retry_after_s > 0 for outcome in refused)
    await one()


async def test_leaving_early_frees_the_row_and_the_permit(harness: Harness) -> None:
    request = make_request(ENGLISH, **LONG, wants_deltas=True)
    async with aclosing(harness.service.summarise(request)) as events:
        async for _ in events:
            break
    await harness.until_empty()
    assert harness.drops.causes == ["cancelled"]


async def test_cancelling_the_caller_frees_the_row_and_the_permit(harness: Harness) -> None:
    task = asyncio.create_task(summarise(harness, make_request(ENGLISH, **LONG)))
    while harness.engine.is_idle:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await harness.until_empty()
    assert harness.drops.causes == ["cancelled"]


async def test_a_deadline_that_has_passed_never_reaches_the_engine(harness: Harness) -> None:
    with pytest.raises(DeadlineExpired, match="arriving"):
        await summarise(harness, make_request(deadline_s=time.monotonic() - 1))
    assert harness.engine.is_idle


async def test_a_deadline_in_the_middle_ends_the_summary_and_frees_the_row(
    harness: Harness,
) -> None:
    request = make_request(ENGLISH, **LONG, deadline_s=time.monotonic() + 0.15)
    with pytest.raises(DeadlineExpired):
        await summarise(harness, request)
    await harness.until_empty()
    assert harness.drops.causes == ["deadline"]

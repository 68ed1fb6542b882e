"""What a reply warns of, and documents that are too short to summarise."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.runtime.ort_runner import OrtRunner
from server.sharing.result_cache import ResultCache
from server.text.facts import fact_warnings
from server.types import FinishReason, Method, Origin, Summary, WarningCode
from tests.server.factories import BUNDLE, make_model, make_request
from tests.server.service_harness import CHINESE, ENGLISH, Harness, summarise

SHORT = "Hello\n  world, 你好"
AS_READ = "Hello world, 你好"
NUM_TOKENS = len(BUNDLE.tokenizer.encode(AS_READ))
GERMAN = (
    "Wer mit dem Auto in die Stadt fährt, braucht nun eine halbe Stunde länger, und die Busse "
    "fahren nach einem neuen Plan, der auch im Netz steht, weil die Brücke über den Fluss gesperrt "
    "ist."
)


@pytest.fixture(scope="module")
def runner() -> OrtRunner:
    return OrtRunner(BUNDLE, threads=1)


@pytest.fixture
async def harness(runner: OrtRunner) -> AsyncIterator[Harness]:
    model = make_model(min_source_tokens=32)
    harness = Harness(model, runner, max_documents=3, cache=ResultCache(1 << 20))
    yield harness
    assert harness.gate.documents == 0
    await harness.close()


def codes(summary: Summary) -> list[WarningCode]:
    return [warning.code for warning in summary.warnings]


async def test_a_short_document_is_its_own_summary(harness: Harness) -> None:
    deltas, summary = await summarise(harness, make_request(SHORT))
    assert (deltas, summary.text) == ([], AS_READ)
    assert summary.finish_reason is FinishReason.STOP
    assert codes(summary) == [WarningCode.DOCUMENT_RETURNED]
    assert f"has {NUM_TOKENS} tokens, and below 32" in summary.warnings[0].message
    assert summary.usage.document_characters == len(SHORT)
    assert summary.usage.summary_tokens == NUM_TOKENS
    assert summary.usage.source_tokens == NUM_TOKENS + 2  # the style's token and the end token
    assert summary.decoding.steps == 0
    assert summary.timings.encode_s == summary.timings.decode_s == 0 < summary.timings.tokenize_s


async def test_a_short_document_is_streamed_as_one_piece(harness: Harness) -> None:
    (delta,), summary = await summarise(harness, make_request(SHORT, wants_deltas=True))
    assert (delta.text, delta.summary_tokens) == (AS_READ, NUM_TOKENS)
    assert summary.text == AS_READ


async def test_the_cache_keeps_the_warning(harness: Harness) -> None:
    _, first = await summarise(harness, make_request(SHORT))
    _, again = await summarise(harness, make_request(SHORT))
    assert again.origin is Origin.CACHED
    assert (again.text, again.warnings) == (first.text, first.warnings)


@pytest.mark.parametrize("max_tokens", [1, 2, NUM_TOKENS])
async def test_a_short_document_is_cut_at_the_tokens_that_it_may_have(
    harness: Harness, max_tokens: int
) -> None:
    _, summary = await summarise(harness, make_request(SHORT, max_tokens=max_tokens))
    assert summary.finish_reason is FinishReason.LENGTH
    assert summary.usage.summary_tokens == max_tokens
    assert AS_READ.startswith(summary.text.rstrip("\ufffd"))
    assert codes(summary) == [WarningCode.DOCUMENT_RETURNED]


async def test_how_words_are_chosen_does_not_matter_where_none_are(harness: Harness) -> None:
    _, beams = await summarise(harness, make_request(SHORT, num_beams=4))
    _, sample = await summarise(harness, make_request(SHORT, temperature=1.0, seed=7))
    assert beams.text == sample.text == AS_READ
    assert (beams.decoding.method, sample.decoding.method) == (Method.BEAM_SEARCH, Method.SAMPLING)
    assert (beams.seed, sample.seed) == (None, 7)


@pytest.mark.parametrize(
    "asked",
    [
        {"prefix": "We"},
        {"banned_phrases": ("Hello",)},
        {"min_tokens": NUM_TOKENS + 1},
        {"num_beams": 2, "num_summaries": 2},
    ],
    ids=lambda asked: next(iter(asked)),
)
async def test_what_the_document_cannot_be_the_model_writes_with_a_warning(
    harness: Harness, asked: dict[str, Any]
) -> None:
    _, summary = await summarise(harness, make_request(SHORT, **{"max_tokens": 16} | asked))
    assert summary.text != AS_READ
    assert summary.decoding.steps > 0
    assert codes(summary) == [WarningCode.DOCUMENT_TOO_SHORT]


async def test_from_the_limit_on_the_model_writes_and_warns_of_nothing(runner: OrtRunner) -> None:
    model = make_model(min_source_tokens=len(BUNDLE.tokenizer.encode(CHINESE.strip())))
    harness = Harness(model, runner, max_documents=3)
    _, summary = await summarise(harness, make_request(CHINESE, max_tokens=4))
    _, shorter = await summarise(harness, make_request(CHINESE.strip()[:-1], max_tokens=4))
    await harness.close()
    assert (codes(summary), summary.decoding.steps > 0) == ([], True)
    assert codes(shorter) == [WarningCode.DOCUMENT_RETURNED]


async def test_a_model_without_the_limit_summarises_two_words(runner: OrtRunner) -> None:
    harness = Harness(make_model(), runner, max_documents=3)
    _, summary = await summarise(harness, make_request("Hello world", max_tokens=4))
    await harness.close()
    assert (codes(summary), summary.decoding.steps > 0) == ([], True)


async def test_a_document_in_a_language_that_the_model_does_not_know_is_warned_of(
    harness: Harness,
) -> None:
    _, summary = await summarise(harness, make_request(GERMAN, max_tokens=4))
    assert codes(summary) == [WarningCode.LANGUAGE_NOT_SUPPORTED]
    assert "German" in summary.warnings[0].message
    assert summary.usage.summary_tokens == 4


@pytest.mark.parametrize("ways", [{}, {"num_summaries": 2}], ids=["one", "the best of two"])
async def test_names_and_numbers_that_are_made_up_are_reported_where_they_may_be_written(
    harness: Harness, ways: dict[str, Any]
) -> None:
    wild = {"temperature": 5.0, "seed": 7, "max_tokens": 40, "min_tokens": 40, **ways}
    request = make_request(ENGLISH, **wild, only_source_facts=False)
    _, summary = await summarise(harness, request)
    assert codes(summary) == [WarningCode.FACTS_NOT_IN_SOURCE]
    assert summary.warnings[0].message.startswith("not in the document: ")
    for word in summary.warnings[0].message.removeprefix("not in the document: ").split(", ")[:9]:
        assert word in summary.text
        assert word not in ENGLISH
    _, checked = await summarise(harness, make_request(ENGLISH, **wild, only_source_facts=True))
    assert codes(checked) == []
    facts = fact_warnings(ENGLISH, checked.text, BUNDLE.tokenizer.spelling.ordinary, is_cut=True)
    assert facts == ()


async def test_names_of_a_prefix_are_the_callers_own(harness: Harness) -> None:
    request = make_request(
        ENGLISH, prefix="In Samarkand 1234 people", only_source_facts=False, max_tokens=16
    )
    _, summary = await summarise(harness, request)
    assert summary.text.startswith("In Samarkand 1234 people")
    assert codes(summary) == []

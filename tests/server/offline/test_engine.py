"""Documents in, summaries out: what the offline engine promises."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from server.engine.runner import RunnerLostError
from server.errors import InvalidRequest
from server.offline import Delta, OfflineEngine, OfflineRequest, OfflineSummary
from server.types import FinishReason, Method, RequestedOptions, WarningCode
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.server.factories import make_model, make_request
from tests.server.runtime.documents import ROOT, documents
from tests.server.service_harness import CHINESE, ENGLISH, Harness, summarise

WAYS: list[dict[str, Any]] = [
    {},
    {"style": "headline"},
    {"num_beams": 3, "num_summaries": 2, "length_penalty": 0.7, "max_tokens": 16},
    {"temperature": 0.7, "top_p": 0.9, "seed": 7, "max_tokens": 16},
    {"prefix": "The authors", "banned_phrases": ("lightweight",), "repetition_penalty": 1.2},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
async def test_a_document_gets_the_summary_that_the_server_gives_it(
    engine: OfflineEngine, way: dict[str, Any]
) -> None:
    (ours,) = engine.summarise(ENGLISH, **way)
    harness = Harness(make_model(min_source_tokens=32), engine.tokens.runner, max_documents=3)
    as_sent = {n: _in_32_bits(v) if isinstance(v, float) else v for n, v in way.items()}
    _, theirs = await summarise(harness, make_request(ENGLISH, **as_sent))
    await harness.close()
    assert ours.text == theirs.text
    assert ours.usage == theirs.usage
    assert ours.finish_reason is theirs.finish_reason
    assert ours.seed == theirs.seed
    assert ours.decoding.method is theirs.decoding.method
    assert [each.text for each in ours.alternatives] == [each.text for each in theirs.alternatives]


def _in_32_bits(value: float) -> float:
    from precis_client.stubs.summarizer.v1 import summarizer_pb2

    return summarizer_pb2.DecodingOptions(top_p=value).top_p


def test_a_summary_tells_its_tokens_and_how_it_was_written(engine: OfflineEngine) -> None:
    (summary,) = engine.summarise([CHINESE], language="zh", max_tokens=12)
    assert summary.text == engine.bundle.tokenizer.decode(summary.tokens).strip()
    assert summary.usage.summary_tokens == len(summary.tokens) == 12
    assert summary.usage.document_characters == len(CHINESE)
    assert summary.finish_reason is FinishReason.LENGTH
    assert summary.score is not None
    assert summary.score < 0
    assert summary.decoding.method is Method.GREEDY
    assert 0 < summary.decoding.steps <= 12
    assert summary.decoding.accepted_tokens <= summary.decoding.drafted_tokens


def test_summaries_come_in_the_order_of_their_documents(engine: OfflineEngine) -> None:
    texts = documents(8)
    together = [each.text for each in engine.summarise(texts, max_tokens=8)]
    alone = [next(engine.summarise(text, max_tokens=8)).text for text in texts]
    assert together == alone
    assert len(set(together)) == len(texts)


def test_documents_are_taken_as_they_are_needed(engine: OfflineEngine) -> None:
    taken = []

    def endless() -> Iterator[str]:
        for text in documents(2) * 1000:
            taken.append(text)
            yield text

    first = list(islice(engine.summarise(endless(), max_tokens=4), 2))
    assert len(first) == 2
    assert len(taken) <= 2 + 2 * engine.tokens.max_rows


def test_the_deltas_of_each_document_joined_are_its_summary(engine: OfflineEngine) -> None:
    written = ["", ""]
    whole = ["", ""]
    for index, event in engine.stream([ENGLISH, CHINESE]):
        if isinstance(event, Delta):
            assert not whole[index], "deltas come before the summary"
            written[index] += event.text
        else:
            whole[index] = event.text
    assert written == whole
    assert all(whole)


def test_a_short_document_is_its_own_summary_with_a_warning(engine: OfflineEngine) -> None:
    (delta, summary) = [event for _, event in engine.stream("Hello\n world")]
    assert isinstance(delta, Delta)
    assert isinstance(summary, OfflineSummary)
    assert delta.text == summary.text == "Hello world"
    assert (summary.tokens, summary.score, summary.decoding.steps) == ((), None, 0)
    assert [each.code for each in summary.warnings] == [WarningCode.DOCUMENT_RETURNED]


def test_a_document_that_is_too_long_is_refused_in_its_turn_and_never_cut(
    engine: OfflineEngine,
) -> None:
    summaries = engine.summarise(
        [ENGLISH, ENGLISH * 8, CHINESE], max_tokens=4, long_documents="refuse"
    )
    assert next(summaries).text
    with pytest.raises(
        InvalidRequest, match=r"has \d{4} tokens, at most 1022 are read at once"
    ) as caught:
        next(summaries)
    assert caught.value.__notes__ == ["document 1, counted from 0"]


def test_each_request_fails_for_itself(engine: OfflineEngine) -> None:
    options = RequestedOptions(max_tokens=4)
    requests = [
        OfflineRequest(document=" ", style="haiku", language="fr"),
        OfflineRequest(document=ENGLISH, options=options),
        OfflineRequest(document=ENGLISH, options=RequestedOptions(num_beams=99, seed=-1)),
        OfflineRequest(document="half a \ud800 pair"),
    ]
    ended = dict(engine.run(requests))
    assert isinstance(ended[1], OfflineSummary)
    refused = {
        index: {each.field: each.description for each in event.violations}
        for index, event in ended.items()
        if isinstance(event, InvalidRequest)
    }
    assert set(refused[0]) == {"document", "style", "language"}
    assert refused[2]["options.num_beams"] == "is 99, must be from 1 to 16"
    assert refused[2]["options.seed"] == "is -1, must be from 0 to 18446744073709551615"
    assert refused[3] == {"document": "holds half a surrogate pair at character 7"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_beam": 4}, "unknown keys \\['num_beam'\\]; known are .*'num_beams'"),
        ({"num_beams": "4"}, "options.num_beams must be of type int, found str '4'"),
        ({"early_stopping": 1}, "options.early_stopping must be of type bool, found int 1"),
    ],
)
def test_an_option_of_a_wrong_name_or_type_is_told_at_the_call(
    engine: OfflineEngine, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        engine.summarise([ENGLISH], **options)


def test_token_ids_are_read_as_they_are(engine: OfflineEngine) -> None:
    style = engine.bundle.manifest.styles[0]
    ids = engine.bundle.tokenizer.encode(CHINESE.strip())
    source = (*style.prefix_ids, *ids, *style.suffix_ids)
    ((_, found),) = engine.run([OfflineRequest(source_ids=source)])
    (expected,) = engine.summarise([CHINESE])
    assert isinstance(found, OfflineSummary)
    assert (found.text, found.tokens) == (expected.text, expected.tokens)
    assert (found.usage.document_characters, found.usage.source_tokens) == (0, len(source))


@pytest.mark.parametrize(
    ("request_fields", "problem"),
    [
        ({"source_ids": (5,) * 1025}, "source_ids: are 1025, at most 1024 are read"),
        ({"source_ids": (5, 99_999)}, r"source_ids\[1\]: is 99999, must be from 0 to \d+"),
        ({"source_ids": (5,), "document": "x"}, "source_ids: are given, and document too"),
    ],
)
def test_token_ids_that_cannot_be_read_are_refused(
    engine: OfflineEngine, request_fields: dict[str, Any], problem: str
) -> None:
    ((_, found),) = engine.run([OfflineRequest(**request_fields)])
    assert isinstance(found, InvalidRequest)
    with pytest.raises(InvalidRequest, match=problem):
        raise found


def test_a_sample_without_a_seed_tells_the_one_that_was_drawn(engine: OfflineEngine) -> None:
    (first,) = engine.summarise([ENGLISH], temperature=1.0, max_tokens=8)
    (again,) = engine.summarise([ENGLISH], temperature=1.0, max_tokens=8, seed=first.seed)
    assert first.seed is not None
    assert again.text == first.text


def test_one_run_at_a_time_and_one_that_is_left_early_frees_everything(
    engine: OfflineEngine,
) -> None:
    long = {"max_tokens": 200, "min_tokens": 200}
    first = engine.stream([ENGLISH, CHINESE], **long)
    next(first)
    with pytest.raises(RuntimeError, match="another run is at work"):
        next(engine.summarise([ENGLISH]))
    first.close()  # type: ignore[attr-defined]
    assert engine._engine.is_idle
    (summary,) = engine.summarise([ENGLISH], max_tokens=4)
    assert summary.usage.summary_tokens == 4


def test_without_speculation_the_summary_is_the_same(engine: OfflineEngine) -> None:
    with OfflineEngine(DEFAULT_BUNDLE, threads=1, speculation=False) as undrafted:
        (expected,) = undrafted.summarise([ENGLISH])
    (found,) = engine.summarise([ENGLISH])
    assert expected.text == found.text
    assert expected.decoding.drafted_tokens == 0
    assert expected.decoding.speculation_off == "switched off by the server"


def test_a_closed_engine_says_so() -> None:
    engine = OfflineEngine(DEFAULT_BUNDLE, threads=1)
    engine.close()
    engine.close()
    with pytest.raises(ValueError, match="the engine is closed"):
        next(engine.summarise([ENGLISH]))


def test_an_engine_whose_device_is_lost_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RunnerLostError("gone")

    engine = OfflineEngine(DEFAULT_BUNDLE, threads=1)
    monkeypatch.setattr(engine.tokens.runner, "decode", fail)
    with pytest.raises(RunnerLostError, match="gone"):
        next(engine.summarise([ENGLISH, CHINESE]))
    with pytest.raises(ValueError, match="the engine is closed"):
        next(engine.summarise([ENGLISH]))


def test_it_loads_nothing_that_only_a_server_needs() -> None:
    program = "import sys, server.offline.engine; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    assert "onnxruntime" in loaded
    assert {"asyncio", "grpc", "pydantic", "prometheus_client", "torch"}.isdisjoint(loaded)

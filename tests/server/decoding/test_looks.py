"""Each token of a summary comes with where the copy head looked, in every way of decoding."""

from typing import Any

import pytest

from model.explain.looks import look
from server.decoding.beams import BeamSearch
from server.decoding.drafting import CopyDrafts
from server.decoding.greedy import Greedy
from server.decoding.sampling import Sampling
from server.decoding.strategy import Hypothesis, Look, Strategy
from server.types import DecodingOptions, Method
from tests.fakes.ending_model import SPECIAL, make_ending_model
from tests.fakes.torch_decoder import run
from tests.model.factories import TINY, make_ids

MODELS = [make_ending_model(seed, copy_head=True, eagerness=0.5) for seed in range(3)]
SOURCES = [make_ids(size, seed=size).tolist() for size in (6, 11, 15)]
PREFIX = (12, 13, 14)
WAYS: list[dict[str, Any]] = [
    {},
    {"prefix_ids": PREFIX},
    {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2},
    {"num_beams": 4, "num_summaries": 4},
    {"num_beams": 3, "num_summaries": 2, "prefix_ids": PREFIX, "length_penalty": 2.0},
    {"temperature": 1.0, "seed": 7},
    {"temperature": 1.0, "seed": 8, "num_summaries": 3, "prefix_ids": PREFIX},
    {"temperature": 1.0, "seed": 9, "prefix_ids": PREFIX},
]


def strategy(options: DecodingOptions, source: list[int], *, keeps_looks: bool) -> Strategy:
    match options.method:
        case Method.GREEDY:
            return Greedy(options, SPECIAL, CopyDrafts(source), keeps_looks=keeps_looks)
        case Method.SAMPLING:
            return Sampling(options, SPECIAL, TINY.vocabulary_size, keeps_looks=keeps_looks)
        case Method.BEAM_SEARCH:
            return BeamSearch(options, SPECIAL, TINY.vocabulary_size, keeps_looks=keeps_looks)


def summaries(number: int, way: dict[str, Any], *, keeps_looks: bool = True) -> list[Hypothesis]:
    """The summaries of a document by one of the networks."""
    source = SOURCES[number]
    options = DecodingOptions(max_tokens=9, **way)
    decided = strategy(options, source, keeps_looks=keeps_looks)
    return list(run(MODELS[number], source, decided, draft_width=[0, 2, 5]).hypotheses)


def test_the_networks_write_something_and_end_by_themselves() -> None:
    lengths = {len(each.tokens) for number in range(3) for each in summaries(number, WAYS[3])}
    assert len(lengths) > 1
    assert max(lengths) > 3


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("number", range(3))
def test_the_looks_are_those_of_the_network_that_reads_the_whole_summary(
    number: int, way: dict[str, Any]
) -> None:
    for each in summaries(number, way):
        num_forced = len(way.get("prefix_ids", ()))
        assert list(each.looks[:num_forced]) == [None] * num_forced
        if not each.tokens:
            assert not each.looks
            continue
        read = look(MODELS[number], SOURCES[number], each.tokens)
        assert read.copy is not None
        assert read.gate is not None
        expected = [
            Look(place, pytest.approx(gate, abs=1e-5))
            for place, gate in zip(read.copy.argmax(-1).tolist(), read.gate.tolist(), strict=True)
        ]
        assert list(each.looks[num_forced:]) == expected[num_forced:]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_asking_for_them_changes_no_summary_and_without_asking_there_are_none(
    way: dict[str, Any],
) -> None:
    asked, plain = summaries(1, way), summaries(1, way, keeps_looks=False)
    assert [each.tokens for each in asked] == [each.tokens for each in plain]
    assert [each.score for each in asked] == [each.score for each in plain]
    assert not any(each.looks for each in plain)

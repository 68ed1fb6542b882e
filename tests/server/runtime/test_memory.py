"""What a runner holds on to: of an empty lane nothing, and of a busy one no more by the hour."""

import weakref
from typing import Any

import numpy as np
import pytest

from bundle.signature import DECODER_STEP, cut_names
from server.decoding.strategy import Proposal
from server.engine.runner import LaneKey
from server.runtime import ort_runner as runner_module
from server.runtime.encoding import SlicedEncoding
from server.runtime.step.word_scores import WordScores
from tests.server.runtime.stepping import NARROW, Model, assert_alike, feed


def test_a_lane_that_was_vacated_leaves_no_arrays_behind(int8_model: Model) -> None:
    int8_model.admit(int8_model.sources[0])
    int8_model.step(feed([int8_model.start_id], 0))
    arrays = weakref.ref(int8_model.runner._lanes[NARROW].arrays.caches["self_key_0"])
    int8_model.runner.vacate(NARROW)
    assert arrays() is None


def test_a_lane_that_was_vacated_begins_anew(int8_model: Model) -> None:
    start = feed([int8_model.start_id], 0)
    int8_model.admit(int8_model.sources[0])
    (before,) = int8_model.step(start)
    int8_model.runner.vacate(NARROW)
    int8_model.admit(int8_model.sources[0])
    (after,) = int8_model.step(start)
    assert_alike(after, 0, before)


def test_a_lane_that_nobody_was_in_can_be_vacated(int8_model: Model) -> None:
    int8_model.runner.vacate(LaneKey(512, 7))


def test_the_bindings_of_a_lane_stay_within_bounds_and_those_used_last_stay(
    int8_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "_MOST_BINDINGS", 3)
    tokens, expected = int8_model.write(int8_model.sources[0], 6)
    bindings = int8_model.runner._bindings[NARROW]
    often = [shape for shape in bindings._by_shape if shape.graph == DECODER_STEP]
    for count in (2, 3, 4, 5, 6):
        int8_model.step(feed(tokens[:1], 0))
        (found,) = int8_model.step(feed(tokens[:count], 0))
        for query in range(count):
            assert_alike(found, query, expected[query])
    assert int8_model.runner._bindings[NARROW] is bindings
    assert len(bindings._by_shape) == 3
    assert set(often) <= bindings._by_shape.keys()


def test_steps_of_all_shapes_share_the_memory_for_the_scores_of_all_words(
    int8_model: Model,
) -> None:
    source, start = int8_model.sources[0], int8_model.start_id
    int8_model.admit(source, source)
    alone = feed([start], 0, wants_scores=True)
    pair = Proposal([start] * 2, 0, [0, 0], [(), ()], [(), ()], wants_scores=True)
    wide = LaneKey(512, 2)
    int8_model.admit(source, lane=wide)
    first, _ = int8_model.step(alone, alone)
    (second,) = int8_model.step(alone)
    (third,) = int8_model.step(pair, lane=wide)
    assert first.scores is not None
    for other in (second, third):
        assert other.scores is not None
        np.testing.assert_allclose(other.scores[0], first.scores[0], atol=0.1)
    memories = [
        binding._words
        for lane in (NARROW, wide)
        for binding in int8_model.runner._bindings[lane]._by_shape.values()
        if binding._words is not None
    ]
    assert len(memories) == 3
    assert len({array.ctypes.data for array in memories}) == 1


def test_arrays_given_out_before_the_memory_grew_stay_as_they_are() -> None:
    scores = WordScores()
    small = scores.of_shape(2, 3)
    small.fill(7)
    large = scores.of_shape(4, 5)
    large.fill(8)
    assert (small == 7).all()
    assert large.shape == (4, 5)
    assert np.shares_memory(scores.of_shape(1, 6), large)


def test_an_encoding_lets_go_of_a_layers_output_once_the_next_has_read_it(model: Model) -> None:
    encoding = model.runner.begin_encoding(model.sources[:2])
    assert isinstance(encoding, SlicedEncoding)
    cuts = cut_names(model.bundle.manifest.geometry)
    for index in range(len(cuts)):
        encoding.advance()
        assert [name for name in cuts if name in encoding._values] == [cuts[index]]
    assert encoding.advance()
    left: set[Any] = {*cuts, "source_ids"} & encoding._values.keys()
    assert left == set()

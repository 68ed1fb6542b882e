"""The memory of one lane: begins small, grows by copy, keeps what its rows hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.manifest import Geometry
from bundle.signature import cross_tensors
from server.engine.runner import LaneKey
from server.runtime import lane as lane_module
from server.runtime.lane import Lane
from server.runtime.lane_arrays import Capacity, LaneArrays

GEOMETRY = Geometry(
    vocab_size=50, d_model=8, encoder_layers=1, decoder_layers=2, heads=2, head_dim=4,
    max_positions=100, copy_head=True,
)  # fmt: skip
GEOMETRIES = {"floats": GEOMETRY, "int8": replace(GEOMETRY, int8_cross=True)}
KEY = LaneKey(64, 1)


@pytest.fixture(params=GEOMETRIES)
def geometry(request: pytest.FixtureRequest) -> Geometry:
    """Keys and values in floats, and in int8."""
    return GEOMETRIES[request.param]


def encoded(geometry: Geometry, length: int, value: float) -> dict[str, NDArray[Any]]:
    """What an encoder might give of a document: every number the same, padding included."""
    states = {"encoder_states": np.full((length, 8), value, np.float32)}
    return states | {
        tensor.name: np.full(
            [length if axis == "source" else int(axis) for axis in tensor.shape[1:]],
            # An integer is never NaN; its scale may be.
            np.nan_to_num(value) if tensor.dtype == "int8" else value,
            tensor.dtype,
        )
        for tensor in cross_tensors(geometry)
    }


def add(lane: Lane, row: int, length: int, value: float, geometry: Geometry = GEOMETRY) -> None:
    lane.add(row, [(list(range(10, 10 + length)), encoded(geometry, length, value))])


def row_of(lane: Lane, row: int) -> dict[str, NDArray[Any]]:
    inputs = lane.arrays.inputs(num_rows=row + 1)
    return {name: array[row].copy() for name, array in inputs.items()}


def test_a_lane_begins_with_room_for_what_it_is_given() -> None:
    lane = Lane(GEOMETRY, KEY)
    add(lane, 0, 10, 1.0)
    assert lane.arrays.capacity == Capacity(rows=1, source_tokens=16, cache_slots=32)


def test_a_longer_neighbour_makes_room_and_leaves_the_first_row_as_it_was() -> None:
    lane = Lane(GEOMETRY, KEY)
    add(lane, 0, 10, 1.0)
    lane.arrays.caches["self_key_0"][0, :, :3] = 7
    before = row_of(lane, 0)
    add(lane, 1, 40, 2.0)
    lane.fit_cache(50)
    assert lane.arrays.capacity == Capacity(rows=2, source_tokens=48, cache_slots=64)
    after = row_of(lane, 0)
    np.testing.assert_array_equal(after["cross_key_0"][:, :16], before["cross_key_0"])
    np.testing.assert_array_equal(after["self_key_0"][:, :32], before["self_key_0"])
    np.testing.assert_array_equal(after["source_ids"][:16], before["source_ids"])
    assert after["source_lengths"] == 10
    # Whatever was added is masked.
    assert (after["source_bias"][10:] < -1000).all()
    assert not after["cross_key_0"][:, 10:].any()


def test_an_empty_lane_gives_its_memory_back_when_it_begins_anew() -> None:
    lane = Lane(GEOMETRY, KEY)
    for row in range(8):
        add(lane, row, 60, 1.0)
    lane.fit_cache(90)
    add(lane, 0, 5, 2.0)
    assert lane.arrays.capacity == Capacity(rows=1, source_tokens=16, cache_slots=32)


def test_a_wide_lane_makes_room_in_larger_steps() -> None:
    lane = Lane(GEOMETRY, LaneKey(64, 4))
    add(lane, 0, 10, 1.0)
    assert lane.arrays.capacity.cache_slots == 64
    # A row of 4 beams may need more slots than the network knows places.
    lane.fit_cache(4 * 100)
    assert lane.arrays.capacity.cache_slots == 448


def test_rows_are_added_several_at_once_behind_those_that_are_there() -> None:
    lane = Lane(GEOMETRY, KEY)
    add(lane, 0, 10, 1.0)
    before = row_of(lane, 0)
    both = [(list(range(length)), encoded(GEOMETRY, length, 2.0)) for length in (4, 12)]
    lane.add(1, both)
    assert lane.arrays.capacity.rows == 4
    np.testing.assert_array_equal(row_of(lane, 0)["cross_key_0"], before["cross_key_0"])
    assert lane.arrays.inputs(3)["source_lengths"].tolist() == [10, 4, 12]


def test_padding_that_the_encoder_gave_is_left_out(geometry: Geometry) -> None:
    lane = Lane(geometry, KEY)
    lane.add(0, [([5, 6, 7], encoded(geometry, 9, 1.0))])
    found = row_of(lane, 0)
    for tensor in cross_tensors(geometry):
        by_token = np.moveaxis(found[tensor.name], tensor.shape.index("source") - 1, 0)
        assert (by_token[:3] == 1).all()
        assert not by_token[3:].any()


def test_running_out_of_memory_while_growing_leaves_every_row_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Lane(GEOMETRY, KEY)
    add(lane, 0, 10, 1.0)
    arrays, before = lane.arrays, row_of(lane, 0)

    class NoMemory(LaneArrays):
        def __init__(self, geometry: Geometry, capacity: Capacity) -> None:
            raise MemoryError

    monkeypatch.setattr(lane_module, "LaneArrays", NoMemory)
    with pytest.raises(MemoryError):
        add(lane, 1, 40, 2.0)
    assert lane.arrays is arrays
    for name, value in row_of(lane, 0).items():
        np.testing.assert_array_equal(value, before[name])


def test_a_number_that_is_none_does_not_outlive_its_document(geometry: Geometry) -> None:
    lane = Lane(geometry, KEY)
    add(lane, 0, 5, 1.0, geometry)
    add(lane, 1, 12, float("nan"), geometry)
    lane.arrays.caches["self_value_1"][1] = np.nan
    add(lane, 1, 3, 2.0, geometry)
    assert all(np.isfinite(array).all() for array in row_of(lane, 1).values())


def test_a_moved_row_takes_everything_along(geometry: Geometry) -> None:
    lane = Lane(geometry, KEY)
    add(lane, 0, 10, 1.0, geometry)
    add(lane, 1, 12, 2.0, geometry)
    lane.arrays.caches["self_key_1"][1] = 3
    expected = row_of(lane, 1)
    lane.move(1, 0)
    found = row_of(lane, 0)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_cache_shrinks_once_those_that_are_left_need_less_than_half_of_it() -> None:
    lane = Lane(GEOMETRY, KEY)
    add(lane, 0, 10, 1.0)
    add(lane, 1, 12, 2.0)
    lane.fit_cache(200)
    assert lane.arrays.capacity.cache_slots == 224
    for name, cache in lane.arrays.caches.items():
        cache[0, :, :40] = len(name)
    before = row_of(lane, 0)
    lane.fit_cache(40)
    assert lane.arrays.capacity == Capacity(rows=2, source_tokens=16, cache_slots=96)
    after = row_of(lane, 0)
    for name, values in before.items():
        expected = values[:, :96] if name in lane.arrays.caches else values
        np.testing.assert_array_equal(after[name], expected)


@pytest.mark.parametrize("width", [1, 4])
def test_a_summary_that_grows_never_makes_its_cache_shrink(width: int) -> None:
    lane = Lane(GEOMETRY, LaneKey(64, width))
    add(lane, 0, 10, 1.0)
    capacities = []
    for slots in range(1, 400):
        lane.fit_cache(slots)
        capacities.append(lane.arrays.capacity.cache_slots)
    assert capacities == sorted(capacities)


def test_without_memory_for_a_smaller_cache_the_larger_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Lane(GEOMETRY, KEY)
    add(lane, 0, 10, 1.0)
    lane.fit_cache(200)
    arrays = lane.arrays

    def no_memory(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(lane_module, "LaneArrays", no_memory)
    lane.fit_cache(10)
    assert lane.arrays is arrays

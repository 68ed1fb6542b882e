"""The memory of one lane: begins small, grows by copy, keeps what its rows hold."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bundle.manifest import Geometry
from bundle.signature import cross_names
from server.runtime import lane as lane_module
from server.runtime.lane import Lane
from server.runtime.lane_arrays import Capacity, LaneArrays

GEOMETRY = Geometry(
    vocab_size=50, d_model=8, encoder_layers=1, decoder_layers=2, heads=2, head_dim=4,
    max_positions=100, copy_head=True,
)  # fmt: skip
LONGEST = 64


def encoded(sources: Sequence[Sequence[int]], value: float) -> dict[str, NDArray[Any]]:
    """What an encoder might give: every number the same, padding included."""
    rows, tokens = len(sources), max(len(source) for source in sources)
    outputs = {
        name: np.full((rows, 2, tokens, 4), value, np.float32) for name in cross_names(GEOMETRY)
    }
    return outputs | {"encoder_states": np.full((rows, tokens, 8), value, np.float32)}


def add(lane: Lane, row: int, length: int, value: float) -> None:
    source = [list(range(10, 10 + length))]
    lane.add(row, source, encoded(source, value))


def row_of(lane: Lane, row: int) -> dict[str, NDArray[Any]]:
    inputs = lane.arrays.inputs(num_rows=row + 1)
    return {name: array[row].copy() for name, array in inputs.items()}


def test_a_lane_begins_with_room_for_what_it_is_given() -> None:
    lane = Lane(GEOMETRY, LONGEST)
    add(lane, 0, 10, 1.0)
    assert lane.arrays.capacity == Capacity(rows=1, source_tokens=16, cache_tokens=32)


def test_a_longer_neighbour_makes_room_and_leaves_the_first_row_as_it_was() -> None:
    lane = Lane(GEOMETRY, LONGEST)
    add(lane, 0, 10, 1.0)
    lane.arrays.caches["self_key_0"][0, :, :3] = 7
    before = row_of(lane, 0)
    add(lane, 1, 40, 2.0)
    lane.ensure_cache(50)
    assert lane.arrays.capacity == Capacity(rows=2, source_tokens=48, cache_tokens=64)
    after = row_of(lane, 0)
    np.testing.assert_array_equal(after["cross_key_0"][:, :16], before["cross_key_0"])
    np.testing.assert_array_equal(after["self_key_0"][:, :32], before["self_key_0"])
    np.testing.assert_array_equal(after["source_ids"][:16], before["source_ids"])
    assert after["source_lengths"] == 10
    # Whatever was added is masked.
    assert (after["source_bias"][10:] < -1000).all()
    assert not after["cross_key_0"][:, 10:].any()


def test_an_empty_lane_gives_its_memory_back_when_it_begins_anew() -> None:
    lane = Lane(GEOMETRY, LONGEST)
    for row in range(8):
        add(lane, row, 60, 1.0)
    lane.ensure_cache(90)
    add(lane, 0, 5, 2.0)
    assert lane.arrays.capacity == Capacity(rows=1, source_tokens=16, cache_tokens=32)


def test_the_cache_never_grows_past_the_last_position() -> None:
    lane = Lane(GEOMETRY, LONGEST)
    lane.ensure_cache(100)
    assert lane.arrays.capacity.cache_tokens == 100
    with pytest.raises(ValueError, match="position 100 is past the last, 99"):
        lane.ensure_cache(101)
    assert lane.arrays.capacity.cache_tokens == 100


def test_running_out_of_memory_while_growing_leaves_every_row_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane = Lane(GEOMETRY, LONGEST)
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


def test_a_number_that_is_none_does_not_outlive_its_document() -> None:
    lane = Lane(GEOMETRY, LONGEST)
    add(lane, 0, 5, 1.0)
    add(lane, 1, 12, float("nan"))
    lane.arrays.caches["self_value_1"][1] = np.nan
    add(lane, 1, 3, 2.0)
    assert all(np.isfinite(array).all() for array in row_of(lane, 1).values())


def test_a_moved_row_takes_everything_along() -> None:
    lane = Lane(GEOMETRY, LONGEST)
    add(lane, 0, 10, 1.0)
    add(lane, 1, 12, 2.0)
    lane.arrays.caches["self_key_1"][1] = 3
    expected = row_of(lane, 1)
    lane.move(1, 0)
    found = row_of(lane, 0)
    for name in expected.keys() - {"token_ids", "position"}:
        np.testing.assert_array_equal(found[name], expected[name])

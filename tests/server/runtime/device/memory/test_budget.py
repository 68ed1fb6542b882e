"""Rows are counted from the memory that they will take."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.manifest import Geometry
from server.engine.runner import LaneKey
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.memory.budget import (
    NotEnoughDeviceMemory,
    available_bytes,
    count_rows,
    lane_shapes,
)
from server.runtime.device.memory.lane import DeviceLane

GEOMETRY = Geometry(
    vocab_size=500, d_model=24, encoder_layers=2, decoder_layers=3, heads=2, head_dim=8,
    max_positions=256, copy_head=True,
)  # fmt: skip
KEYS = [LaneKey(128, 1), LaneKey(200, 1)]
GEOMETRIES = [
    GEOMETRY,
    replace(GEOMETRY, copy_head=False),
    replace(GEOMETRY, float_type="float16", device_loop=True),
    replace(GEOMETRY, float_type="bfloat16", relative_positions=True),
]


def count(asked: int, available: int) -> int:
    lanes = [lane_shapes(GEOMETRY, key, 70) for key in KEYS]
    return count_rows(lanes, asked=asked, available=available, tokens=6, vocab_size=500)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("rows", [1, 7, 32])
@pytest.mark.parametrize("key", [KEYS[0], LaneKey(200, 4)])
def test_a_lane_takes_what_was_counted_for_it(geometry: Geometry, rows: int, key: LaneKey) -> None:
    device = HostDevice(1 << 30)
    shapes = lane_shapes(geometry, key, 70)
    lane = DeviceLane(device, device.queue(), geometry, key, shapes, rows)
    counted = rows * shapes.row_bytes() + shapes.scratch_bytes(rows)
    assert device.used_bytes == lane.nbytes
    # Each row is counted as if its tensors began where a tensor may begin.
    assert 0.6 * counted <= lane.nbytes <= counted


def test_as_many_rows_as_asked_for_are_given_where_they_fit() -> None:
    assert count(5, 1 << 30) == 5


def test_rows_that_do_not_fit_are_refused_with_the_number_that_would() -> None:
    with pytest.raises(NotEnoughDeviceMemory) as refused:
        count(256, 20 << 20)
    fits = refused.value.fits
    assert 0 < fits < 256
    assert count(fits, 20 << 20) == fits
    with pytest.raises(NotEnoughDeviceMemory, match=f"256 rows .* do not fit .*: {fits} would fit"):
        count(256, 20 << 20)
    with pytest.raises(NotEnoughDeviceMemory):
        count(fits + 1, 20 << 20)


@pytest.mark.parametrize("asked", [0, 1])
def test_a_device_without_room_for_one_row_says_so(asked: int) -> None:
    with pytest.raises(NotEnoughDeviceMemory, match="not even one would fit"):
        count(asked, 1000)


@given(st.integers(3 << 20, 1 << 28))
def test_what_is_chosen_leaves_room_for_the_rest(available: int) -> None:
    chosen = count(0, available)
    assert chosen in (1, 2, 4, 8, 16, 32, 64, 128, 256)
    assert count(chosen, available * 3 // 4) == chosen
    assert count(0, 2 * available) >= chosen


def test_documents_in_the_encoder_are_left_room_beyond_a_quarter() -> None:
    lanes = [lane_shapes(GEOMETRY, key, 70) for key in KEYS]
    more, less = (
        count_rows(lanes, asked=0, available=64 << 20, tokens=6, vocab_size=500, encoding=encoding)
        for encoding in (16 << 20, 48 << 20)
    )
    assert more == count(0, 64 << 20)
    assert less < more


@given(st.integers(20 << 20, 1 << 28))
def test_the_lanes_of_all_rows_that_were_counted_can_be_made(available: int) -> None:
    rows = count(0, available)
    lanes = [lane_shapes(GEOMETRY, key, 70) for key in KEYS]
    taken = sum(rows * lane.row_bytes() + lane.scratch_bytes(rows) for lane in lanes)
    assert taken <= available


def test_the_share_of_others_is_left_to_them() -> None:
    assert available_bytes(free=70, total=100, fraction=0.9) == 60
    assert available_bytes(free=5, total=100, fraction=0.9) == 0

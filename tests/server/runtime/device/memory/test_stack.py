"""Rows of several tensors are moved, cleared and laid out anew all at once, each by itself."""

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.memory.stack import RowShape, Stack
from server.runtime.failures import DeviceError

ROWS, LINES, WIDTH = 5, 6, 3
SHAPE = RowShape(tensors=3, parts=2, line_bytes=4 * WIDTH)


def view(stack: Stack, lines: int) -> list[NDArray[Any]]:
    """Each tensor, [rows, parts, lines, width], as it lies there."""
    size = ROWS * SHAPE.parts * lines * WIDTH
    return [
        np.ctypeslib.as_array((ctypes.c_float * size).from_address(address)).reshape(
            ROWS, SHAPE.parts, lines, WIDTH
        )
        for address in stack.addresses()
    ]


@pytest.fixture
def device() -> HostDevice:
    return HostDevice(1 << 20)


def filled(device: HostDevice, lines: int, seed: int = 0) -> Stack:
    stack = Stack(device, SHAPE, rows=ROWS, most_lines=LINES)
    chance = np.random.default_rng(seed)
    for tensor in view(stack, lines):
        tensor[:] = chance.random(tensor.shape)
    return stack


def copies(stack: Stack, lines: int) -> list[NDArray[Any]]:
    return [tensor.copy() for tensor in view(stack, lines)]


def test_a_row_is_copied_in_every_tensor(device: HostDevice) -> None:
    stack = filled(device, 4)
    before = copies(stack, 4)
    stack.move(device.queue(), 4, source=3, target=1)
    for old, new in zip(before, view(stack, 4), strict=True):
        np.testing.assert_array_equal(new[1], old[3])
        np.testing.assert_array_equal(new[[0, 2, 3, 4]], old[[0, 2, 3, 4]])


def test_neighbouring_rows_are_cleared_and_no_others(device: HostDevice) -> None:
    stack = filled(device, 4)
    before = copies(stack, 4)
    stack.clear(device.queue(), 4, first=1, count=2)
    for old, new in zip(before, view(stack, 4), strict=True):
        assert not new[1:3].any()
        np.testing.assert_array_equal(new[[0, 3, 4]], old[[0, 3, 4]])


@given(rows=st.integers(0, ROWS), old=st.integers(1, LINES), new=st.integers(1, LINES))
def test_rows_laid_out_anew_keep_what_there_is_room_for(rows: int, old: int, new: int) -> None:
    device = HostDevice(1 << 20)
    stack = filled(device, old)
    before = copies(stack, old)
    scratch = device.allocate(SHAPE.pitch(ROWS, LINES))
    stack.spread(device.queue(), scratch.address, rows, old, new)
    kept = min(old, new)
    for was, now in zip(before, view(stack, new), strict=True):
        np.testing.assert_array_equal(now[:rows, :, :kept], was[:rows, :, :kept])
        assert not now[:rows, :, kept:].any()


@given(
    lines=st.integers(1, LINES), given_lines=st.integers(1, LINES), first=st.integers(0, 2),
    document=st.integers(0, 2),
)  # fmt: skip
def test_rows_from_elsewhere_end_in_zeros(
    lines: int, given_lines: int, first: int, document: int
) -> None:
    device = HostDevice(1 << 20)
    stack, origin = filled(device, lines), filled(device, given_lines, seed=1)
    before, brought = copies(stack, lines), view(origin, given_lines)
    address = origin.addresses()[0] + document * SHAPE.row_bytes(given_lines)
    pitch = SHAPE.pitch(ROWS, LINES)
    stack.take(device.queue(), lines, first, 2, address, pitch, given_lines)
    kept = min(lines, given_lines)
    others = [row for row in range(ROWS) if row not in (first, first + 1)]
    for was, now, given_rows in zip(before, view(stack, lines), brought, strict=True):
        taken = now[first : first + 2]
        np.testing.assert_array_equal(
            taken[:, :, :kept], given_rows[document : document + 2, :, :kept]
        )
        assert not taken[:, :, kept:].any()
        np.testing.assert_array_equal(now[others], was[others])


def test_rows_that_would_overlap_are_refused_as_cuda_refuses_them() -> None:
    device = HostDevice(1 << 10)
    queue, block = device.queue(), device.allocate(512)
    with pytest.raises(DeviceError, match="rows of 64 bytes cannot begin 0 bytes apart"):
        queue.copy_rows(block.address, 64, block.address + 256, 0, 64, 1)
    with pytest.raises(DeviceError, match="rows of 64 bytes cannot begin 32 bytes apart"):
        queue.clear_rows(block.address, 32, 64, 2)

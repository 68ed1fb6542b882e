"""Memory, copies and lines of work of a device."""

import time

import numpy as np
import pytest

from server.decoding.strategy import Array
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.drivers.device import Device, Queue

pytestmark = pytest.mark.gpu

ROWS, PITCH = 4, 64


@pytest.fixture
def queue(device: Device) -> Queue:
    return device.queue()


def staged(device: Device, nbytes: int) -> Array:
    array = device.stage(nbytes)
    array[:] = np.arange(nbytes) % 251
    return array


def read(device: Device, queue: Queue, address: int, nbytes: int) -> Array:
    array = device.stage(nbytes)
    queue.download(array, address)
    queue.mark().wait()
    return array


def test_memory_begins_as_zeros_and_keeps_what_it_is_given(device: Device, queue: Queue) -> None:
    block = device.allocate(1000)
    assert not read(device, queue, block.address, 1000).any()
    array = staged(device, 500)
    queue.upload(block.address + 100, array)
    found = read(device, queue, block.address, 1000)
    np.testing.assert_array_equal(found[100:600], array)
    assert not found[:100].any()
    assert not found[600:].any()


def test_rows_a_pitch_apart_are_copied_and_cleared(device: Device, queue: Queue) -> None:
    origin, target = device.allocate(ROWS * PITCH), device.allocate(ROWS * 2 * PITCH)
    array = staged(device, ROWS * PITCH)
    queue.upload(origin.address, array)
    queue.copy_rows(target.address, 2 * PITCH, origin.address, PITCH, 40, ROWS)
    queue.clear_rows(target.address, 2 * PITCH, 8, ROWS)
    found = read(device, queue, target.address, ROWS * 2 * PITCH).reshape(ROWS, 2 * PITCH)
    assert not found[:, :8].any()
    np.testing.assert_array_equal(found[:, 8:40], array.reshape(ROWS, PITCH)[:, 8:40])
    assert not found[:, 40:].any()
    queue.copy(target.address, origin.address, PITCH)
    queue.clear(target.address + 10, 20)
    row = read(device, queue, target.address, PITCH)
    assert not row[10:30].any()
    np.testing.assert_array_equal(row[30:], array[30:PITCH])


def test_one_line_of_work_waits_for_another(device: Device, queue: Queue) -> None:
    other = device.queue()
    block, array = device.allocate(1 << 24), staged(device, 1 << 24)
    queue.upload(block.address, array)
    mark = queue.mark()
    other.after(mark)
    found = read(device, other, block.address, 1 << 24)
    assert mark.is_reached()
    np.testing.assert_array_equal(found, array)


def test_a_mark_is_reached_in_the_end(device: Device, queue: Queue) -> None:
    block, array = device.allocate(1 << 20), staged(device, 1 << 20)
    queue.upload(block.address, array)
    mark = queue.mark()
    while not mark.is_reached():
        time.sleep(0)
    queue.wait()


def test_memory_that_there_is_not_is_refused_and_the_device_lives(device: Device) -> None:
    before = device.free_bytes()
    with pytest.raises(OutOfMemoryRunnerError):
        device.allocate(2 * device.total_bytes())
    size = 1 << 26
    block = device.allocate(size)
    assert device.free_bytes() <= before
    del block
    assert device.free_bytes() >= before - size // 2
    assert device.name

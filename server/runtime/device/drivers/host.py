"""Ordinary memory in the part of a device: every call does its work at once."""

import ctypes

import numpy as np

from server.decoding.strategy import Array
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.drivers.device import Mark, Queue
from server.runtime.failures import DeviceError
from server.runtime.session import ON_CPU, Placement


class HostBlock:
    """Zeroed bytes that never move."""

    def __init__(self, device: "HostDevice", nbytes: int) -> None:
        self._device = device
        self._array: Array = np.zeros(nbytes, np.uint8)

    @property
    def address(self) -> int:
        """See Block."""
        return int(self._array.ctypes.data)

    @property
    def nbytes(self) -> int:
        """See Block."""
        return int(self._array.nbytes)

    def __del__(self) -> None:
        """Gives back what it held."""
        self._device.used_bytes -= self.nbytes


class _Reached:
    def is_reached(self) -> bool:
        return True

    def wait(self) -> None:
        return


class HostQueue:
    """See Queue: nothing is ever left to do."""

    handle = 0

    def upload(self, address: int, staged: Array) -> None:
        """See Queue."""
        ctypes.memmove(address, staged.ctypes.data, staged.nbytes)

    def download(self, staged: Array, address: int) -> None:
        """See Queue."""
        ctypes.memmove(staged.ctypes.data, address, staged.nbytes)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """See Queue."""
        ctypes.memmove(target, source, nbytes)

    def copy_rows(
        self, target: int, target_pitch: int, source: int, source_pitch: int, nbytes: int, rows: int
    ) -> None:
        """See Queue."""
        _check_pitches(nbytes, target_pitch, source_pitch)
        for row in range(rows):
            self.copy(target + row * target_pitch, source + row * source_pitch, nbytes)

    def clear(self, address: int, nbytes: int) -> None:
        """See Queue."""
        ctypes.memset(address, 0, nbytes)

    def clear_rows(self, address: int, pitch: int, nbytes: int, rows: int) -> None:
        """See Queue."""
        _check_pitches(nbytes, pitch)
        for row in range(rows):
            self.clear(address + row * pitch, nbytes)

    def mark(self) -> Mark:
        """See Queue."""
        return _Reached()

    def after(self, mark: Mark) -> None:
        """See Queue."""

    def wait(self) -> None:
        """See Queue."""


def _check_pitches(nbytes: int, *pitches: int) -> None:
    """As strict as CUDA is, even where there is but one row."""
    if nbytes > min(pitches):
        raise DeviceError(f"rows of {nbytes} bytes cannot begin {min(pitches)} bytes apart")


class HostDevice:
    """See Device. `memory_bytes` bounds what may be allocated, as a real device's size does."""

    kind = "cpu"
    index = 0
    name = "the processor"
    can_capture = False
    arena = "cpu:0"

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self.used_bytes = 0

    def placement(self, queue: Queue, *, captures: bool, exact: bool) -> Placement:
        """See Device; the processor's provider knows neither queues nor captures."""
        return ON_CPU

    def enter(self) -> None:
        """See Device."""

    def free_bytes(self) -> int:
        """See Device."""
        return self._memory_bytes - self.used_bytes

    def total_bytes(self) -> int:
        """See Device."""
        return self._memory_bytes

    def allocate(self, nbytes: int) -> HostBlock:
        """See Device."""
        if nbytes > self.free_bytes():
            raise OutOfMemoryRunnerError(f"{nbytes} bytes wanted, {self.free_bytes()} free")
        self.used_bytes += nbytes
        return HostBlock(self, nbytes)

    def stage(self, nbytes: int) -> Array:
        """See Device."""
        return np.zeros(nbytes, np.uint8)

    def queue(self) -> Queue:
        """See Device."""
        return HostQueue()

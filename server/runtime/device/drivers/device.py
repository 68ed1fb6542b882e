"""What the runner asks of a device: memory, copies, and work done in order.

Memory is named by its address, because that is what onnxruntime is bound to and what a captured
graph remembers. `CudaDevice` is the real thing; `HostDevice` does the same in ordinary memory, at
once and in order, so that all that is built on this is tested where there is no GPU.
"""

from typing import Protocol

from server.decoding.strategy import Array
from server.runtime.session import Placement


class Block(Protocol):
    """A piece of the device's memory; it is given back once nobody holds it any more."""

    @property
    def address(self) -> int:
        """Where it begins."""

    @property
    def nbytes(self) -> int:
        """How long it is."""


class Mark(Protocol):
    """A point in a queue's work."""

    def is_reached(self) -> bool:
        """Whether all work queued before it is done."""

    def wait(self) -> None:
        """Returns once it is reached."""


class Queue(Protocol):
    """Work that the device does one after the other; calls return before it is done.

    Raises DeviceError where the device cannot go on.
    """

    @property
    def handle(self) -> int:
        """What onnxruntime is given to queue its own work here; 0 where there is no such thing."""

    def upload(self, address: int, staged: Array) -> None:
        """Copies staged memory to the device; the array must not change until that is done."""

    def download(self, staged: Array, address: int) -> None:
        """Copies device memory into a staged array, to be read once a later mark is reached."""

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copies within the device."""

    def copy_rows(
        self, target: int, target_pitch: int, source: int, source_pitch: int, nbytes: int, rows: int
    ) -> None:
        """Copies `nbytes` of each of so many rows, which begin a pitch of at least that apart."""

    def clear(self, address: int, nbytes: int) -> None:
        """Fills memory with zeros."""

    def clear_rows(self, address: int, pitch: int, nbytes: int, rows: int) -> None:
        """Fills `nbytes` of each of so many rows with zeros."""

    def mark(self) -> Mark:
        """Marks the work queued so far."""

    def after(self, mark: Mark) -> None:
        """Lets what is queued from now on begin only once a mark of any queue is reached."""

    def wait(self) -> None:
        """Returns once everything queued here is done."""


class Device(Protocol):
    """One device."""

    @property
    def kind(self) -> str:
        """Its name among onnxruntime's devices: cuda or cpu."""

    @property
    def index(self) -> int:
        """Which of its kind."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def can_capture(self) -> bool:
        """Whether onnxruntime can capture a step on it as a graph, and replay it."""

    @property
    def arena(self) -> str:
        """What onnxruntime calls the memory that its sessions take there."""

    def placement(self, queue: Queue, *, captures: bool, exact: bool) -> Placement:
        """Puts a session there, to work in a queue of the device.

        `exact` keeps float32 products from being rounded.
        """

    def enter(self) -> None:
        """Makes it the device of the calling thread: once in each thread that works on it."""

    def free_bytes(self) -> int:
        """How much memory could be allocated now."""

    def total_bytes(self) -> int:
        """How much memory it has."""

    def allocate(self, nbytes: int) -> Block:
        """Takes memory, filled with zeros. Raises OutOfMemoryRunnerError where there is none."""

    def stage(self, nbytes: int) -> Array:
        """Host memory, as bytes, that copies to and from the device can work on by themselves."""

    def queue(self) -> Queue:
        """Begins another line of work."""

"""A thread that work on the device is handed to.

A captured graph belongs to the thread that captured it, so all decoding comes from one, whichever
thread made the runner; and the encoder's kernels are launched by another, while the engine's thread
goes on.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from server.runtime.device.device import Device

Result = TypeVar("Result")


class Worker:
    """Does one thing after the other."""

    def __init__(self, device: Device, name: str) -> None:
        self._threads = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix=name, initializer=device.enter
        )

    def begin(self, work: Callable[[], Result]) -> Future[Result]:
        """Hands work over."""
        return self._threads.submit(work)

    def do(self, work: Callable[[], Result]) -> Result:
        """Hands work over and waits for it."""
        return self._threads.submit(work).result()

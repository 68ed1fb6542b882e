"""A thread that work on the device is handed to.

A captured graph belongs to the thread that captured it, so all decoding comes from one, whichever
thread made the runner; and the encoder's kernels are launched by another, while the engine's thread
goes on.
"""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from server.runtime.device.drivers.device import Device

Result = TypeVar("Result")


class _Job(NamedTuple):
    future: Future[Any]
    work: Callable[[], Any]


class Worker:
    """Does one thing after the other.

    Not an executor of the standard library: the process would wait for its threads at the end, and
    never end while a device hangs.
    """

    def __init__(self, device: Device, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        threading.Thread(target=_serve, args=(self._jobs, device), name=name, daemon=True).start()
        # The thread does not hold the worker, so it can end with it.
        weakref.finalize(self, self._jobs.put, None)

    def begin(self, work: Callable[[], Result]) -> Future[Result]:
        """Hands work over."""
        future: Future[Result] = Future()
        self._jobs.put(_Job(future, work))
        return future

    def do(self, work: Callable[[], Result]) -> Result:
        """Hands work over and waits for it."""
        return self.begin(work).result()


def _serve(jobs: "SimpleQueue[_Job | None]", device: Device) -> None:
    while (job := jobs.get()) is not None:
        if job.future.set_running_or_notify_cancel():
            try:
                device.enter()
                job.future.set_result(job.work())
            except BaseException as error:
                job.future.set_exception(error)
        # Nothing of it is held, such as memory of the device, until the next one comes.
        del job

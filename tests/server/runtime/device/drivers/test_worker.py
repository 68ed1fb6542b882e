"""Work is done in order, in a thread that keeps nobody waiting."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest

from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.drivers.worker import Worker
from server.runtime.failures import DeviceError

HANGING = """
import threading
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.drivers.worker import Worker
begun = threading.Event()
worker = Worker(HostDevice(1), "hanging")
worker.begin(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
raise SystemExit(1)
"""


class LostDevice(HostDevice):
    def enter(self) -> None:
        raise DeviceError("CUDA failure 719")


@pytest.fixture
def worker() -> Worker:
    return Worker(HostDevice(1), "tested")


def test_work_is_done_in_order_in_one_thread_of_its_own(worker: Worker) -> None:
    done: list[int] = []
    for number in range(5):
        worker.begin(lambda number=number: done.append(number))  # type: ignore[misc]
    thread = worker.do(threading.current_thread)
    assert done == [0, 1, 2, 3, 4]
    assert worker.do(threading.current_thread) is thread
    assert thread is not threading.current_thread()


def test_what_goes_wrong_is_told_to_whoever_asked_and_the_next_work_is_done(worker: Worker) -> None:
    with pytest.raises(ZeroDivisionError):
        worker.do(lambda: 1 // 0)
    assert worker.do(lambda: 7) == 7


def test_work_that_was_taken_back_in_time_is_not_done(worker: Worker) -> None:
    gate, done = threading.Event(), threading.Event()
    worker.begin(gate.wait)
    assert worker.begin(done.set).cancel()
    gate.set()
    worker.do(lambda: None)
    assert not done.is_set()


def test_a_device_that_cannot_be_entered_is_a_lost_device() -> None:
    lost = Worker(LostDevice(1), "lost")
    for _ in range(2):
        with pytest.raises(DeviceError):
            lost.do(lambda: None)


def test_a_worker_holds_nothing_of_what_was_done(worker: Worker) -> None:
    class Held:
        def work(self) -> None:
            return

    held = Held()
    gone = weakref.ref(held)
    worker.do(held.work)
    del held
    worker.begin(lambda: None).result()
    assert gone() is None


def test_the_thread_of_a_worker_that_nobody_holds_ends() -> None:
    forgotten = Worker(HostDevice(1), "forgotten")
    thread = forgotten.do(threading.current_thread)
    del forgotten
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_a_process_ends_though_its_device_hangs() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], timeout=60, check=False)
    assert ended.returncode == 1

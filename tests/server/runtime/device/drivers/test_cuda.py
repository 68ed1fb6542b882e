"""What is made of CUDA's answers; a made-up runtime gives them."""

import gc

import numpy as np
import pytest

from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.drivers import cuda
from server.runtime.device.drivers.cuda import CudaDevice, probe
from server.runtime.failures import DeviceError
from tests.fakes.cuda_runtime import CudaRuntime, Error


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> CudaRuntime:
    made = CudaRuntime()
    monkeypatch.setattr(cuda, "_runtime", lambda: made)
    return made


@pytest.mark.parametrize("largest_pitch", [1 << 30, 1])
def test_what_is_brought_to_a_device_comes_back(
    runtime: CudaRuntime, monkeypatch: pytest.MonkeyPatch, largest_pitch: int
) -> None:
    monkeypatch.setattr(cuda, "_LARGEST_PITCH", largest_pitch)
    device = CudaDevice(0)
    queue = device.queue()
    origin, target = device.allocate(64), device.allocate(128)
    staged, back = device.stage(64), device.stage(128)
    staged[:] = np.arange(64)
    queue.upload(origin.address, staged)
    queue.copy_rows(target.address, 32, origin.address, 16, 8, 4)
    queue.clear_rows(target.address, 32, 2, 4)
    queue.copy(target.address + 20, origin.address, 2)
    queue.clear(target.address + 21, 1)
    queue.download(back, target.address)
    other = device.queue()
    other.after(queue.mark())
    queue.wait()
    expected = np.zeros((4, 32))
    expected[:, 2:8] = np.arange(64).reshape(4, 16)[:, 2:8]
    np.testing.assert_array_equal(back.reshape(4, 32), expected)


@pytest.mark.parametrize(("captures", "exact"), [(True, False), (False, True)])
def test_a_session_is_put_on_the_device_to_work_in_the_given_queue(
    runtime: CudaRuntime, captures: bool, exact: bool
) -> None:
    device = CudaDevice(0)
    queue = device.queue()
    placement = device.placement(queue, captures=captures, exact=exact)
    assert placement.provider == "CUDAExecutionProvider"
    assert placement.options["device_id"] == "0"
    assert placement.options["user_compute_stream"] == str(queue.handle)
    assert placement.options["enable_cuda_graph"] == str(int(captures))
    assert placement.options["use_tf32"] == str(int(not exact))


def test_nothing_is_kept_of_what_nobody_holds(runtime: CudaRuntime) -> None:
    device = CudaDevice(0)
    queue, block, array = device.queue(), device.allocate(100), device.stage(100)
    view, mark = array[10:20], queue.mark()
    assert device.free_bytes() == device.total_bytes() - 100
    del array, block, queue, mark
    gc.collect()
    assert device.free_bytes() == device.total_bytes()
    assert runtime.objects == 0
    assert len(runtime.pinned) == 1
    del view
    assert not runtime.pinned


def test_a_mark_is_reached_once_the_device_says_so(runtime: CudaRuntime) -> None:
    mark = CudaDevice(0).queue().mark()
    runtime.pending = 2
    assert [mark.is_reached() for _ in range(3)] == [False, False, True]


def test_a_device_is_known_by_its_name(runtime: CudaRuntime) -> None:
    assert CudaDevice(0).name == "Made-up GPU"


def test_want_of_memory_leaves_the_device_as_it_was(runtime: CudaRuntime) -> None:
    device = CudaDevice(0)
    with pytest.raises(OutOfMemoryRunnerError, match="CUDA failure 2: out of memory"):
        device.allocate(runtime.memory_bytes + 1)
    assert device.allocate(10).nbytes == 10


def test_any_other_error_is_the_end_of_the_device_and_says_where_to_look(
    runtime: CudaRuntime,
) -> None:
    queue = CudaDevice(0).queue()
    runtime.broken = Error.cudaErrorIllegalAddress
    wanted = "CUDA failure 700: an illegal memory access.*cudaErrorIllegalAddress.*nvidia-smi"
    for call in (queue.wait, queue.mark, lambda: queue.clear(0, 1)):
        with pytest.raises(DeviceError, match=wanted):
            call()


def test_a_device_that_can_be_used_is_no_trouble(runtime: CudaRuntime) -> None:
    assert probe(0) is None


def test_trouble_is_told_as_cuda_puts_it(runtime: CudaRuntime) -> None:
    assert probe(1) == "CUDA failure 101: invalid device ordinal; device 1 of 1"
    runtime.broken = Error.cudaErrorInsufficientDriver
    assert probe(0) == (
        "CUDA failure 35: driver version is insufficient for CUDA runtime version; "
        "cudaErrorInsufficientDriver"
    )


def test_bindings_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> CudaRuntime:
        raise ModuleNotFoundError("No module named 'cuda'")

    monkeypatch.setattr(cuda, "_runtime", missing)
    found = probe(0)
    assert found is not None
    assert "cuda-bindings" in found
    assert "No module named 'cuda'" in found

"""A CUDA device, by the runtime's own calls.

`cuda-bindings` is part of the `gpu` extra alone, so it is imported when a device is asked for.
"""

import ctypes
import threading
from functools import cache
from typing import Any

import numpy as np

from server.decoding.strategy import Array
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.drivers.device import Mark, Queue
from server.runtime.failures import DeviceError
from server.runtime.session import Placement

PROVIDER = "CUDAExecutionProvider"

# Copies of rows take no larger pitch than a signed 32-bit number.
_LARGEST_PITCH = 2**31 - 1
_ADVICE = (
    "the process has to end; if it comes again, nvidia-smi and the kernel's log (dmesg, Xid) tell "
    "whether the device or its driver is at fault"
)


def probe(index: int = 0) -> str | None:
    """Why a device cannot be used, as CUDA puts it; None if it can."""
    try:
        runtime = _runtime()
    except Exception as error:  # a missing package, or one whose own libraries are missing
        return f"cuda-bindings, which the gpu extra brings, cannot be loaded: {error}"
    try:
        (count,) = _checked(runtime.cudaGetDeviceCount())
        if index >= count:
            return f"CUDA failure 101: invalid device ordinal; device {index} of {count}"
        # The first call that needs the device's memory is the first that can find it unusable.
        _checked(runtime.cudaSetDevice(index))
        _checked(runtime.cudaMemGetInfo())
    except (DeviceError, OutOfMemoryRunnerError) as error:
        return str(error).removesuffix(f"; {_ADVICE}")
    except RuntimeError as error:  # the bindings' own, where the driver's library is missing
        return str(error)
    return None


class CudaBlock:
    """See Block."""

    def __init__(self, address: int, nbytes: int) -> None:
        self.address, self.nbytes = address, nbytes

    def __del__(self) -> None:
        """Gives the memory back, once nothing that was queued works on it any more."""
        # What went wrong on the device earlier is told by whoever waits for it.
        _runtime().cudaFree(self.address)


class _Event:
    def __init__(self, stream: Any) -> None:
        runtime = _runtime()
        (self.handle,) = _checked(runtime.cudaEventCreateWithFlags(runtime.cudaEventDisableTiming))
        _checked(runtime.cudaEventRecord(self.handle, stream))

    def is_reached(self) -> bool:
        runtime = _runtime()
        (error,) = runtime.cudaEventQuery(self.handle)
        if error == runtime.cudaError_t.cudaErrorNotReady:
            return False
        _checked((error,))
        return True

    def wait(self) -> None:
        _checked(_runtime().cudaEventSynchronize(self.handle))

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            _runtime().cudaEventDestroy(self.handle)


class CudaQueue:
    """A stream. See Queue."""

    def __init__(self) -> None:
        self._runtime = runtime = _runtime()
        (self._stream,) = _checked(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking))
        kinds = runtime.cudaMemcpyKind
        self._up, self._down = kinds.cudaMemcpyHostToDevice, kinds.cudaMemcpyDeviceToHost
        self._within = kinds.cudaMemcpyDeviceToDevice

    @property
    def handle(self) -> int:
        """See Queue."""
        return int(self._stream)

    def upload(self, address: int, staged: Array) -> None:
        """See Queue."""
        self._copy(address, staged.ctypes.data, staged.nbytes, self._up)

    def download(self, staged: Array, address: int) -> None:
        """See Queue."""
        self._copy(staged.ctypes.data, address, staged.nbytes, self._down)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """See Queue."""
        self._copy(target, source, nbytes, self._within)

    def copy_rows(
        self, target: int, target_pitch: int, source: int, source_pitch: int, nbytes: int, rows: int
    ) -> None:
        """See Queue."""
        if max(target_pitch, source_pitch) > _LARGEST_PITCH:
            for row in range(rows):
                self.copy(target + row * target_pitch, source + row * source_pitch, nbytes)
            return
        _checked(
            self._runtime.cudaMemcpy2DAsync(
                target, target_pitch, source, source_pitch, nbytes, rows, self._within, self._stream
            )
        )

    def clear(self, address: int, nbytes: int) -> None:
        """See Queue."""
        _checked(self._runtime.cudaMemsetAsync(address, 0, nbytes, self._stream))

    def clear_rows(self, address: int, pitch: int, nbytes: int, rows: int) -> None:
        """See Queue."""
        if pitch > _LARGEST_PITCH:
            for row in range(rows):
                self.clear(address + row * pitch, nbytes)
            return
        _checked(self._runtime.cudaMemset2DAsync(address, pitch, 0, nbytes, rows, self._stream))

    def mark(self) -> Mark:
        """See Queue."""
        return _Event(self._stream)

    def after(self, mark: Mark) -> None:
        """See Queue."""
        assert isinstance(mark, _Event), "marks come from a queue of the same device"
        _checked(self._runtime.cudaStreamWaitEvent(self._stream, mark.handle, 0))

    def wait(self) -> None:
        """See Queue."""
        _checked(self._runtime.cudaStreamSynchronize(self._stream))

    def _copy(self, target: int, source: int, nbytes: int, kind: Any) -> None:
        _checked(self._runtime.cudaMemcpyAsync(target, source, nbytes, kind, self._stream))

    def __del__(self) -> None:
        """Gives the stream back."""
        if hasattr(self, "_stream"):
            self._runtime.cudaStreamDestroy(self._stream)


class CudaDevice:
    """See Device."""

    kind = "cuda"
    can_capture = True

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self.arena = f"gpu:{index}"
        self._runtime = _runtime()
        self._threads = threading.local()
        self.enter()
        (properties,) = _checked(self._runtime.cudaGetDeviceProperties(index))
        self.name = properties.name.decode().strip("\0")

    def placement(self, queue: Queue, *, captures: bool, exact: bool) -> Placement:
        """See Device."""
        return Placement(
            PROVIDER,
            {
                "device_id": str(self.index),
                "user_compute_stream": str(queue.handle),
                "enable_cuda_graph": str(int(captures)),
                # By default it doubles what it holds each time it needs more.
                "arena_extend_strategy": "kSameAsRequested",
                # No network here has a convolution; an exhaustive search would only cost time.
                "cudnn_conv_algo_search": "HEURISTIC",
                "use_tf32": str(int(not exact)),
            },
        )

    def enter(self) -> None:
        """See Device."""
        if not hasattr(self._threads, "has_entered"):
            _checked(self._runtime.cudaSetDevice(self.index))
            self._threads.has_entered = True

    def free_bytes(self) -> int:
        """See Device."""
        self.enter()
        free, _ = _checked(self._runtime.cudaMemGetInfo())
        return int(free)

    def total_bytes(self) -> int:
        """See Device."""
        self.enter()
        _, total = _checked(self._runtime.cudaMemGetInfo())
        return int(total)

    def allocate(self, nbytes: int) -> CudaBlock:
        """See Device."""
        self.enter()
        (address,) = _checked(self._runtime.cudaMalloc(nbytes))
        block = CudaBlock(int(address), nbytes)
        _checked(self._runtime.cudaMemset(block.address, 0, nbytes))
        # The fill is in a line of work of its own, which queues of ours do not wait for.
        _checked(self._runtime.cudaDeviceSynchronize())
        return block

    def stage(self, nbytes: int) -> Array:
        """See Device."""
        self.enter()
        flags = self._runtime.cudaHostAllocDefault
        (address,) = _checked(self._runtime.cudaHostAlloc(nbytes, flags))
        memory = _Pinned(int(address), nbytes)
        return np.asarray(memory)

    def queue(self) -> Queue:
        """See Device."""
        self.enter()
        return CudaQueue()


class _Pinned:
    """Host memory that the device reads and writes by itself; an array over it keeps it alive."""

    def __init__(self, address: int, nbytes: int) -> None:
        self._address = address
        ctypes.memset(address, 0, nbytes)
        self.__array_interface__ = {
            "version": 3,
            "data": (address, False),
            "shape": (nbytes,),
            "typestr": "|u1",
        }

    def __del__(self) -> None:
        _runtime().cudaFreeHost(self._address)


@cache
def _runtime() -> Any:
    from cuda.bindings import runtime

    return runtime


def _checked(result: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a call gave beside its error code; raises whatever that code says."""
    error, *values = result
    if int(error) == 0:
        return tuple(values)
    runtime = _runtime()
    _, name = runtime.cudaGetErrorName(error)
    _, text = runtime.cudaGetErrorString(error)
    said = f"CUDA failure {int(error)}: {text.decode()}; {name.decode()}"
    if error == runtime.cudaError_t.cudaErrorMemoryAllocation:
        # Otherwise the next call that works would be told of this one.
        runtime.cudaGetLastError()
        raise OutOfMemoryRunnerError(said)
    raise DeviceError(f"{said}; {_ADVICE}")

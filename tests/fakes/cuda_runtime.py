"""CUDA's runtime as cuda-bindings has it, over ordinary memory; every call is done at once.

Each call takes what the real one takes and answers as it does: an error code, and what there is.
"""

import ctypes
import enum
from types import SimpleNamespace
from typing import Any


class Error(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorInvalidDevice = 101
    cudaErrorNotReady = 600
    cudaErrorIllegalAddress = 700


_TEXTS = {
    Error.cudaErrorMemoryAllocation: b"out of memory",
    Error.cudaErrorInsufficientDriver: b"driver version is insufficient for CUDA runtime version",
    Error.cudaErrorIllegalAddress: b"an illegal memory access was encountered",
}


class CudaRuntime:
    """Holds `memory_bytes`; `broken` is what every call but the telling of errors answers."""

    cudaError_t = Error
    cudaMemcpyKind = SimpleNamespace(
        cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2, cudaMemcpyDeviceToDevice=3
    )
    cudaEventDisableTiming, cudaStreamNonBlocking, cudaHostAllocDefault = 2, 1, 0

    def __init__(self, memory_bytes: int = 1 << 22, devices: int = 1) -> None:
        self.memory_bytes, self.devices = memory_bytes, devices
        self.broken = Error.cudaSuccess
        self.pending = 0
        self.blocks: dict[int, Any] = {}
        self.pinned: dict[int, Any] = {}
        self.entered: list[int] = []
        self.objects = 0

    def cudaGetErrorName(self, error: Error) -> tuple[Error, bytes]:
        return Error.cudaSuccess, Error(error).name.encode()

    def cudaGetErrorString(self, error: Error) -> tuple[Error, bytes]:
        return Error.cudaSuccess, _TEXTS.get(error, b"unknown")

    def cudaGetLastError(self) -> tuple[Error]:
        return (Error.cudaSuccess,)

    def cudaGetDeviceCount(self) -> tuple[Error, int | None]:
        return (self.broken, None if self.broken else self.devices)

    def cudaSetDevice(self, index: int) -> tuple[Error]:
        if index >= self.devices:
            return (Error.cudaErrorInvalidDevice,)
        self.entered.append(index)
        return (self.broken,)

    def cudaMemGetInfo(self) -> tuple[Error, int, int]:
        used = sum(map(len, self.blocks.values()))
        return self.broken, self.memory_bytes - used, self.memory_bytes

    def cudaGetDeviceProperties(self, index: int) -> tuple[Error, Any]:
        return self.broken, SimpleNamespace(name=b"Made-up GPU\0\0")

    def cudaMalloc(self, size: int) -> tuple[Error, int | None]:
        if self.broken:
            return self.broken, None
        _, free, _ = self.cudaMemGetInfo()
        if size > free:
            return Error.cudaErrorMemoryAllocation, None
        return Error.cudaSuccess, self._taken(self.blocks, size)

    def cudaFree(self, address: int) -> tuple[Error]:
        self.blocks.pop(address)
        return (self.broken,)

    def cudaHostAlloc(self, size: int, flags: int) -> tuple[Error, int | None]:
        return self.broken, None if self.broken else self._taken(self.pinned, size)

    def cudaFreeHost(self, address: int) -> tuple[Error]:
        self.pinned.pop(address)
        return (self.broken,)

    def cudaMemset(self, address: int, value: int, count: int) -> tuple[Error]:
        return self.cudaMemsetAsync(address, value, count, 0)

    def cudaMemsetAsync(self, address: int, value: int, count: int, stream: int) -> tuple[Error]:
        if not self.broken:
            ctypes.memset(address, value, count)
        return (self.broken,)

    def cudaMemset2DAsync(
        self, address: int, pitch: int, value: int, width: int, height: int, stream: int
    ) -> tuple[Error]:
        for row in range(height):
            self.cudaMemsetAsync(address + row * pitch, value, width, stream)
        return (self.broken,)

    def cudaMemcpyAsync(
        self, target: int, source: int, count: int, kind: int, stream: int
    ) -> tuple[Error]:
        if not self.broken:
            ctypes.memmove(target, source, count)
        return (self.broken,)

    def cudaMemcpy2DAsync(
        self, target: int, target_pitch: int, source: int, source_pitch: int, width: int,
        height: int, kind: int, stream: int,
    ) -> tuple[Error]:  # fmt: skip
        for row in range(height):
            begin, end = source + row * source_pitch, target + row * target_pitch
            self.cudaMemcpyAsync(end, begin, width, kind, stream)
        return (self.broken,)

    def cudaDeviceSynchronize(self) -> tuple[Error]:
        return (self.broken,)

    def cudaStreamCreateWithFlags(self, flags: int) -> tuple[Error, int]:
        self.objects += 1
        return self.broken, 1000 + self.objects

    def cudaStreamDestroy(self, stream: int) -> tuple[Error]:
        self.objects -= 1
        return (self.broken,)

    def cudaStreamSynchronize(self, stream: int) -> tuple[Error]:
        return (self.broken,)

    def cudaStreamWaitEvent(self, stream: int, event: int, flags: int) -> tuple[Error]:
        return (self.broken,)

    def cudaEventCreateWithFlags(self, flags: int) -> tuple[Error, int]:
        self.objects += 1
        return self.broken, 2000 + self.objects

    def cudaEventDestroy(self, event: int) -> tuple[Error]:
        self.objects -= 1
        return (self.broken,)

    def cudaEventRecord(self, event: int, stream: int) -> tuple[Error]:
        return (self.broken,)

    def cudaEventQuery(self, event: int) -> tuple[Error]:
        if self.pending:
            self.pending -= 1
            return (Error.cudaErrorNotReady,)
        return (self.broken,)

    def cudaEventSynchronize(self, event: int) -> tuple[Error]:
        return (self.broken,)

    def _taken(self, pieces: dict[int, Any], size: int) -> int:
        piece = ctypes.create_string_buffer(b"\xff" * size, size)
        address = ctypes.addressof(piece)
        pieces[address] = piece
        return address

"""What went wrong while the model ran, in the engine's words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from server.engine.runner import OutOfMemoryRunnerError, RunnerError, RunnerLostError

# onnxruntime has no classes of its own for these: its arenas, its C++ and its macros round CUDA's
# calls say it in so many words. Want of memory leaves a device as it was.
_OUT_OF_MEMORY = (
    *("Failed to allocate memory", "bad allocation", "bad_alloc"),
    *("CUDA failure 2:", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"),
    *("cudaErrorMemoryAllocation", "CUDA_ERROR_OUT_OF_MEMORY"),
)
# CUDA gives nearly every one of its errors again at every later call.
_DEVICE_LOST = re.compile(r"\b(?:CUDA|CUDNN|CUBLAS|CUBLASLT|CURAND|CUSPARSE|CUFFT) failure -?\d+")


class DeviceError(RunnerLostError):
    """The device cannot go on: nothing that it holds can be trusted any more."""


@contextmanager
def told_as_runner_errors(work: str) -> Iterator[None]:
    """Raises RunnerError, naming the work, for whatever goes wrong in the block.

    DeviceError is raised for what no device comes back from; what is either already is passed on.
    onnxruntime's classes derive from Exception; MemoryError is numpy's.
    """
    try:
        yield
    except (DeviceError, RunnerError):
        raise
    except Exception as error:
        problem = f"{work} failed: {error}"
        if is_out_of_memory(error):
            raise OutOfMemoryRunnerError(problem) from error
        if _DEVICE_LOST.search(str(error)):
            raise DeviceError(problem) from error
        raise RunnerError(problem) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether this is how numpy, onnxruntime, CUDA or a device of ours says that memory is out."""
    return isinstance(error, MemoryError | OutOfMemoryRunnerError) or any(
        said in str(error) for said in _OUT_OF_MEMORY
    )

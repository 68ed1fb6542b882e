"""What went wrong while the model ran, in the engine's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.engine.runner import OutOfMemoryRunnerError, RunnerError
from server.runtime.device.device import DeviceError

# onnxruntime has no class of its own for this; its arena and its C++ say it in so many words.
_OUT_OF_MEMORY = ("Failed to allocate memory", "bad allocation", "bad_alloc")


@contextmanager
def told_as_runner_errors(work: str) -> Iterator[None]:
    """Raises RunnerError, naming the work, for whatever goes wrong in the block.

    onnxruntime's classes derive from Exception; MemoryError is numpy's.
    """
    try:
        yield
    except (DeviceError, RunnerError):
        raise
    except Exception as error:
        kind = OutOfMemoryRunnerError if _is_out_of_memory(error) else RunnerError
        raise kind(f"{work} failed: {error}") from error


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(said in str(error) for said in _OUT_OF_MEMORY)

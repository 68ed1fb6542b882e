"""Whether CUDA can be used here, found out without a session.

A session that cannot have CUDA runs on the CPU without a word to its caller: the reason is only
written to stderr by C++, once for each session.
"""

import contextlib
import ctypes
import io
from collections.abc import Callable
from pathlib import Path

import onnxruntime

# It is loaded when a kernel first needs it, too late for a server that is ready by then.
_CUDNN = "libcudnn.so.9"


def why_no_cuda(ask_device: Callable[[], str | None]) -> str | None:
    """Loads what onnxruntime needs and then asks the device; what was said, or None if all is well.

    CUDA's libraries are found among the nvidia wheels beside onnxruntime, or where the system's
    loader looks.
    """
    return _load_libraries() or ask_device()


def _load_libraries() -> str | None:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):  # it names all that are missing, but only by print()
        onnxruntime.preload_dlls()
    folder = Path(onnxruntime.__file__).parent / "capi"
    try:
        # The one for CUDA takes its symbols from the other.
        ctypes.CDLL(
            str(folder / "libonnxruntime_providers_shared.so"),
            mode=ctypes.RTLD_GLOBAL,
        )
        ctypes.CDLL(str(folder / "libonnxruntime_providers_cuda.so"))
        ctypes.CDLL(_CUDNN)
    except OSError as error:
        return f"{told.getvalue()}{error}"
    return None

"""NVIDIA GPUs: whether one can be used here, why not in words for people, and what mends it.

A session that cannot have CUDA runs on the CPU without a word to its caller: the reason is only
written to stderr by C++, once for each session. So it is found out without a session. The texts
come from the system's loader, from CUDA and from onnxruntime, whichever spoke first.
"""

import contextlib
import ctypes
import io
import re
from collections.abc import Callable
from pathlib import Path

import onnxruntime

from bundle.load import Bundle
from server.runtime.device.drivers import cuda as driver
from server.runtime.device.runner import MOST_STEPS_AHEAD, DeviceRunner
from server.runtime.options import RunnerOptions
from server.runtime.providers.provider import (
    NO_LOOP,
    Accelerator,
    MadeRunner,
    ProviderChoice,
    Trouble,
    pip_install,
)
from server.runtime.session import nodes_elsewhere

_EXTRA = "gpu"
# It is loaded when a kernel first needs it, too late for a server that is ready by then.
_CUDNN = "libcudnn.so.9"

_MISSING_LIBRARY = re.compile(r"\b(lib[\w.+-]+\.so[.\d]*): cannot open shared object")
_CUDA_FAILURE = re.compile(r"CUDA failure (\d+): ([^;]+?) *(?:;|$)", re.MULTILINE)
_DRIVER = "libcuda.so.1"
_BINDINGS = "cuda-bindings"
_LONGEST_QUOTE = 300

_INSTALL = (
    f"install the {_EXTRA} extra, which brings CUDA 13 and cuDNN 9 ({pip_install(_EXTRA)}), or put "
    "the folders that hold them on LD_LIBRARY_PATH"
)
_SEE_A_DEVICE = (
    "nvidia-smi has to list a GPU here; a container sees it only with --gpus all or compose's "
    "--profile gpu, and CUDA_VISIBLE_DEVICES must not hide it"
)

_INT8 = Trouble(
    "the bundle is int8, made for the CPU",
    "python -m export --precision fp16 makes a bundle for a GPU",
)
_NO_CUDA_BUILD = Trouble(
    "this onnxruntime was built without CUDA",
    f"pip uninstall onnxruntime, then install the {_EXTRA} extra instead ({pip_install(_EXTRA)}), "
    "or use the image's target cuda",
)
_NO_CAPTURE = Trouble(
    "the decoder's steps cannot be captured as CUDA graphs",
    "--capture off (PRECIS_CAPTURE=off) runs them on the GPU as they are, at a lower speed",
)

# By CUDA's own numbers, which stay the same from version to version.
_BY_NUMBER = {
    2: Trouble(
        "the device has no memory left even to begin",
        "see with nvidia-smi who holds it, or choose another --device",
    ),
    35: Trouble(
        "the NVIDIA driver is missing or too old for CUDA 13",
        "install driver 580 or newer; nvidia-smi then shows CUDA Version 13.0 or more",
    ),
    100: Trouble("no NVIDIA GPU is visible to this process", _SEE_A_DEVICE),
    101: Trouble(
        "there is no device of that number",
        "choose another with --device (PRECIS_DEVICE), counted from 0 among those that "
        "CUDA_VISIBLE_DEVICES lets through",
    ),
    209: Trouble(
        "this GPU is older than what onnxruntime's kernels were compiled for",
        "use one of compute capability 7.5 (Turing) or newer",
    ),
    803: Trouble(
        "the NVIDIA driver's library and its kernel module are of different versions",
        "load the module again or restart the machine, as after every update of the driver",
    ),
    **dict.fromkeys(range(900, 909), _NO_CAPTURE),
}
_BY_WORDS = {
    "driver version is insufficient": 35,
    "no CUDA-capable device": 100,
    "invalid device ordinal": 101,
    "no kernel image is available": 209,
    "unsupported display driver": 803,
    "graph capture": 900,
}


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


def explain(said: str) -> Trouble:
    """Finds the reason and the fix in what a library said."""
    if missing := list(dict.fromkeys(_MISSING_LIBRARY.findall(said))):
        return _of_missing(missing)
    if _BINDINGS in said:
        return Trouble(_quoted(said), _INSTALL)
    failure = _CUDA_FAILURE.search(said)
    number = int(failure[1]) if failure else _number_of(said)
    quoted = _quoted(failure[2] if failure else said)
    if number not in _BY_NUMBER:
        return Trouble(quoted, "nvidia-smi has to work here first; docs/gpu.md says what is needed")
    reason, fix = _BY_NUMBER[number]
    return Trouble(f"{reason} (CUDA says: {quoted})", fix)


def _of_missing(libraries: list[str]) -> Trouble:
    others = [library for library in libraries if library != _DRIVER]
    if not others:
        reason = f"no NVIDIA driver is in reach ({_DRIVER} is missing)"
        return Trouble(reason, f"install one, 580 or newer; {_SEE_A_DEVICE}")
    *firsts, last = others
    named = f"{', '.join(firsts)} and {last} are" if firsts else f"{last} is"
    return Trouble(f"{named} missing", _INSTALL)


def _quoted(said: str) -> str:
    return " ".join(said.split())[:_LONGEST_QUOTE]


def _number_of(said: str) -> int | None:
    return next((number for words, number in _BY_WORDS.items() if words in said), None)


def _why_unfit(precision: str, device_loop: bool) -> Trouble | None:
    if precision == "int8":
        return _INT8
    return None if device_loop else NO_LOOP


def _probe(index: int) -> str | None:
    return why_no_cuda(lambda: driver.probe(index))


def _make(bundle: Bundle, options: RunnerOptions, choice: ProviderChoice) -> MadeRunner:
    device = driver.CudaDevice(options.device)
    runner = DeviceRunner(bundle, device, options, most_steps_ahead=CUDA.most_steps_ahead)
    elsewhere = {name: nodes_elsewhere(session) for name, session in runner.sessions.items()}
    return MadeRunner(runner, choice, runner.max_rows, options.encode_tokens, elsewhere)


CUDA = Accelerator(
    name="cuda",
    spoken="CUDA",
    onnxruntime=driver.PROVIDER,
    extra=_EXTRA,
    max_rows=0,
    encode_tokens=16_384,
    most_steps_ahead=MOST_STEPS_AHEAD,
    make=_make,
    why_unfit=_why_unfit,
    absent=_NO_CUDA_BUILD,
    probe=_probe,
    explain=explain,
)

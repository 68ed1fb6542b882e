"""Reasons and fixes, found in what the libraries really say."""

from pathlib import Path

import pytest

from server.runtime.providers.cuda import CUDA, explain

PAGE = Path(__file__).resolve().parents[4] / "docs" / "gpu.md"
# What preload_dlls of onnxruntime-gpu 1.31.1 prints without CUDA's libraries, then the loader.
NO_LIBRARIES = """\
Failed to load libcublasLt.so.13: libcublasLt.so.13: cannot open shared object file: No such file or directory
Failed to load libcublas.so.13: libcublas.so.13: cannot open shared object file: No such file or directory
Failed to load libcurand.so.10: libcurand.so.10: cannot open shared object file: No such file or directory
Please follow https://onnxruntime.ai/docs/install/#cuda-and-cudnn to install CUDA.
libcublasLt.so.13: cannot open shared object file: No such file or directory"""  # noqa: E501
# From a session of onnxruntime-gpu 1.31.1, with libraries and a driver that says so.
FROM_A_SESSION = (
    "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc:63 static "
    "onnxruntime::CUDAExecutionProviderInfo onnxruntime::CUDAExecutionProviderInfo::"
    "FromProviderOptions(const onnxruntime::ProviderOptions&) [ONNXRuntimeError] : 1 : FAIL : "
    "provider_options_utils.h:187 Parse Failed to parse provider option "
    '"device_id": CUDA failure {} ; GPU=-1 ; hostname=there ; '
    "file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc ; "
    "line=70 ; expr=cudaGetDeviceCount(&num_devices); "
)
NO_CUBLAS = "libcublas.so.13: cannot open shared object file: No such file or directory"
NO_DRIVER = "libcuda.so.1: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("said", "reason", "fix"),
    [
        (
            NO_LIBRARIES,
            "libcublasLt.so.13, libcublas.so.13 and libcurand.so.10 are missing",
            "install the gpu extra",
        ),
        (
            "libcudnn.so.9: cannot open shared object file: No such file or directory",
            "libcudnn.so.9 is missing",
            "cuDNN 9",
        ),
        (NO_DRIVER, "no NVIDIA driver is in reach (libcuda.so.1 is missing)", "--gpus all"),
        (
            FROM_A_SESSION.format("100: no CUDA-capable device is detected"),
            "no NVIDIA GPU is visible to this process "
            "(CUDA says: no CUDA-capable device is detected)",
            "CUDA_VISIBLE_DEVICES",
        ),
        (
            FROM_A_SESSION.format(
                "35: CUDA driver version is insufficient for CUDA runtime version"
            ),
            "the NVIDIA driver is missing or too old for CUDA 13 "
            "(CUDA says: CUDA driver version is insufficient for CUDA runtime version)",
            "driver 580 or newer",
        ),
        (
            "CUDA failure 101: invalid device ordinal; device 3 of 1",
            "there is no device of that number (CUDA says: invalid device ordinal)",
            "--device",
        ),
        (
            "CUDA error: no kernel image is available for execution on the device",
            "this GPU is older than what onnxruntime's kernels were compiled for (CUDA says: "
            "CUDA error: no kernel image is available for execution on the device)",
            "compute capability 7.5",
        ),
        (
            "cuda-bindings, which the gpu extra brings, cannot be loaded: No module named 'cuda'",
            "cuda-bindings, which the gpu extra brings, cannot be loaded: No module named 'cuda'",
            "install the gpu extra",
        ),
        (
            "This session cannot use the graph capture feature as requested by the user",
            "the decoder's steps cannot be captured as CUDA graphs (CUDA says: "
            "This session cannot use the graph capture feature as requested by the user)",
            "--capture off",
        ),
        (FROM_A_SESSION.format("999: unknown error"), "unknown error", "nvidia-smi has to work"),
        ("something\nnew", "something new", "docs/gpu.md"),
    ],
    ids=lambda text: text[:30],
)
def test_what_a_library_says_is_told_with_its_remedy(said: str, reason: str, fix: str) -> None:
    trouble = explain(said)

    assert trouble.reason == reason
    assert fix in trouble.fix


def test_the_driver_is_blamed_only_once_the_libraries_are_there() -> None:
    assert (
        "libcublas.so.13 is missing" in explain(f"Failed to load {NO_CUBLAS}\n{NO_DRIVER}").reason
    )


def test_a_long_text_is_cut() -> None:
    assert len(explain("x" * 10_000).reason) == 300


def test_a_machines_name_is_not_told() -> None:
    assert "there" not in explain(FROM_A_SESSION.format("999: unknown error")).reason


@pytest.mark.parametrize("number", [35, 100, 101, 209, 803, 901])
def test_the_page_on_gpus_has_every_reason(number: int) -> None:
    reason, _, _ = explain(f"CUDA failure {number}: in CUDA's words").reason.partition(" (CUDA")

    assert f"| {reason} |" in PAGE.read_text("utf-8")
    assert reason != "in CUDA's words"


def test_the_page_on_gpus_has_the_reason_of_an_onnxruntime_without_cuda() -> None:
    assert f"| {CUDA.absent.reason} |" in PAGE.read_text("utf-8")

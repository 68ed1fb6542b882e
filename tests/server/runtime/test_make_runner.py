"""Which runner is made, and what becomes of a choice that onnxruntime or CUDA does not keep."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from bundle.load import Bundle, load_bundle
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.drivers.device import Device
from server.runtime.device.memory.budget import NotEnoughDeviceMemory
from server.runtime.failures import DeviceError
from server.runtime.make_runner import make_runner
from server.runtime.options import RunnerOptions
from server.runtime.providers import cpu
from server.runtime.providers.cpu import CPU
from server.runtime.providers.cuda import CUDA
from server.runtime.providers.policy import ProviderError
from server.runtime.providers.provider import MadeRunner, ProviderChoice
from server.runtime.session import PlacementError
from tests.bundle.conftest import DEFAULT_BUNDLE


@cache
def bundle_of(precision: str) -> Bundle:
    """The default one, said to be of another precision and made for devices."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    float_type = {"fp16": "float16", "bf16": "bfloat16"}.get(precision)
    geometry: Any = replace(
        bundle.manifest.geometry, device_loop=precision != "int8", float_type=float_type
    )
    manifest = replace(bundle.manifest, precision=precision, geometry=geometry)
    return replace(bundle, manifest=manifest)


class Plain:
    """In the place of OrtRunner, which would load graphs that this bundle has not."""

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        self.threads = threads


class Gpu:
    """What makes the runners: it notes where, and on a GPU it fails if told to."""

    def __init__(self, failure: Exception | None = None, *, rows: int = 128) -> None:
        self.failure, self.rows = failure, rows
        self.asked: list[str] = []

    def make(self, bundle: Bundle, options: RunnerOptions, choice: ProviderChoice) -> MadeRunner:
        self.asked.append(choice.provider.name)
        if choice.provider is CPU:
            return CPU.make(bundle, options, choice)
        if self.failure is not None:
            raise self.failure
        runner: Any = "device runner"
        return MadeRunner(runner, choice, options.max_rows or self.rows, options.encode_tokens)


@dataclass
class OnDevice:
    """In the place of DeviceRunner."""

    bundle: Bundle
    device: Device
    options: RunnerOptions
    most_steps_ahead: int = 15

    @property
    def max_rows(self) -> int:
        return self.options.max_rows


@pytest.fixture(autouse=True)
def _runners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "OrtRunner", Plain)
    monkeypatch.setattr(cpu, "DeviceRunner", OnDevice)


def make(
    precision: str, gpu: Gpu | None = None, said: str | None = None, **options: Any
) -> MadeRunner:
    return make_runner(
        bundle_of(precision),
        RunnerOptions(**options),
        available=lambda: [CUDA.onnxruntime, CPU.onnxruntime],
        probe=lambda provider, index: said,
        make=(gpu or Gpu()).make,
    )


def test_the_cpu_has_sixteen_rows_unless_told_otherwise() -> None:
    assert make("int8").max_rows == 16
    assert make("int8", max_rows=3).max_rows == 3
    assert isinstance(make("int8", threads=2).runner, Plain)


def test_a_gpu_has_as_many_rows_as_its_runner_counted() -> None:
    made = make("fp16", Gpu(rows=64))

    assert (made.runner, made.max_rows, made.choice.provider) == ("device runner", 64, CUDA)
    assert not made.choice.fallback


@pytest.mark.parametrize(("precision", "tokens"), [("int8", 1024), ("fp16", 16_384)])
def test_a_gpu_encodes_more_tokens_together_than_a_cpu_unless_told_otherwise(
    precision: str, tokens: int
) -> None:
    assert make(precision).encode_tokens == tokens
    assert make(precision, encode_tokens=7).encode_tokens == 7


def test_half_precision_falls_back_to_the_runner_of_a_device_on_the_cpu() -> None:
    gpu = Gpu()
    made = make("fp16", gpu, "libcuda.so.1: cannot open shared object file")

    assert gpu.asked == ["cpu"]
    assert (made.choice.provider, made.choice.fallback) == (CPU, True)
    assert isinstance(made.runner, OnDevice)


def test_on_the_cpu_half_precision_runs_no_steps_ahead() -> None:
    made: Any = make("fp16", provider="cpu").runner

    assert (made.device.kind, made.max_rows, made.most_steps_ahead) == ("cpu", 16, 0)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (PlacementError("onnxruntime gave encoder.onnx the CPU"), "gave encoder.onnx the CPU"),
        (DeviceError("CUDA failure 803: system has unsupported"), "of different versions"),
    ],
    ids=["session elsewhere", "device fails"],
)
def test_a_gpu_that_fails_while_sessions_are_made_is_fallen_back_from(
    failure: Exception, reason: str
) -> None:
    gpu = Gpu(failure)
    made = make("fp32", gpu)

    assert gpu.asked == ["cuda", "cpu"]
    assert isinstance(made.runner, Plain)
    assert made.choice.fallback
    assert reason in made.choice.reason
    with pytest.raises(ProviderError, match=reason):
        make("fp32", gpu, strict=True)
    with pytest.raises(ProviderError, match="no kernels on the CPU"):
        make("bf16", gpu)


def test_a_gpu_without_memory_is_not_fallen_back_from_and_says_how_many_rows_fit() -> None:
    scarce = NotEnoughDeviceMemory(asked=64, fits=12, bytes_per_row=1 << 20, available=12 << 20)
    with pytest.raises(ProviderError, match=r"^not enough memory on device 1: .*12 would fit"):
        make("fp32", Gpu(scarce), device=1)
    with pytest.raises(ProviderError, match="device 0: no memory to load encoder"):
        make("fp32", Gpu(OutOfMemoryRunnerError("no memory to load encoder")))

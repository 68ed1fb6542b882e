"""Which runner is made, and what becomes of a choice that onnxruntime or CUDA does not keep."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from bundle.load import Bundle, load_bundle
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime import make_runner as module
from server.runtime.device.budget import NotEnoughDeviceMemory
from server.runtime.device.device import Device, DeviceError
from server.runtime.make_runner import MadeRunner, RunnerOptions, make_runner
from server.runtime.providers import ProviderChoice, ProviderError
from server.runtime.session import CPU, CUDA, PlacementError
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


class OnDevice:
    """A maker of device runners that notes what it is asked for, and fails on a GPU if told to."""

    def __init__(self, failure: Exception | None = None, *, rows: int = 128) -> None:
        self.failure, self.rows = failure, rows
        self.asked: list[str] = []

    def __call__(
        self, bundle: Bundle, options: RunnerOptions, choice: ProviderChoice
    ) -> MadeRunner:
        self.asked.append(choice.actual)
        if choice.actual == "cuda" and self.failure is not None:
            raise self.failure
        runner: Any = "device runner"
        return MadeRunner(runner, choice, self.rows)


@pytest.fixture(autouse=True)
def _plain_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OrtRunner", Plain)


def make(
    precision: str, on_device: OnDevice, said: str | None = None, **options: Any
) -> MadeRunner:
    return make_runner(
        bundle_of(precision),
        RunnerOptions(**options),
        available=lambda: [CUDA, CPU],
        probe=lambda index: said,
        make_on_device=on_device,
    )


def test_the_cpu_has_sixteen_rows_unless_told_otherwise() -> None:
    on_device = OnDevice()

    assert make("int8", on_device).max_rows == 16
    assert make("int8", on_device, max_rows=3).max_rows == 3
    assert isinstance(make("int8", on_device, threads=2).runner, Plain)
    assert on_device.asked == []


def test_a_gpu_has_as_many_rows_as_its_runner_counted() -> None:
    made = make("fp16", OnDevice(rows=64))

    assert (made.runner, made.max_rows, made.choice.actual) == ("device runner", 64, "cuda")
    assert not made.choice.fallback


def test_half_precision_falls_back_to_the_same_runner_on_the_cpu() -> None:
    on_device = OnDevice()
    made = make("fp16", on_device, "libcuda.so.1: cannot open shared object file")

    assert on_device.asked == ["cpu"]
    assert (made.choice.actual, made.choice.fallback) == ("cpu", True)


def test_on_the_cpu_half_precision_takes_no_step_unlooked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}

    class Recorded:
        max_rows = 16

        def __init__(self, bundle: Bundle, device: Device, **given: Any) -> None:
            asked.update(given, kind=device.kind)

    monkeypatch.setattr(module, "DeviceRunner", Recorded)
    make_runner(bundle_of("fp16"), RunnerOptions(provider="cpu"), available=lambda: [CPU])

    assert (asked["kind"], asked["max_rows"], asked["most_steps_ahead"]) == ("cpu", 16, 0)


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
    on_device = OnDevice(failure)
    made = make("fp32", on_device)

    assert on_device.asked == ["cuda"]
    assert isinstance(made.runner, Plain)
    assert made.choice.fallback
    assert reason in made.choice.reason
    with pytest.raises(ProviderError, match=reason):
        make("fp32", on_device, strict=True)
    with pytest.raises(ProviderError, match="no kernels on the CPU"):
        make("bf16", on_device)


def test_a_gpu_without_memory_is_not_fallen_back_from_and_says_how_many_rows_fit() -> None:
    scarce = NotEnoughDeviceMemory(asked=64, fits=12, bytes_per_row=1 << 20, available=12 << 20)
    with pytest.raises(ProviderError, match=r"^not enough memory on device 1: .*12 would fit"):
        make("fp32", OnDevice(scarce), device=1)
    with pytest.raises(ProviderError, match="device 0: no memory to load encoder"):
        make("fp32", OnDevice(OutOfMemoryRunnerError("no memory to load encoder")))

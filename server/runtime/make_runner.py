"""Makes the runner that a bundle and this machine allow, and says how that came about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import onnxruntime

from bundle.load import Bundle
from server.engine.runner import ModelRunner, OutOfMemoryRunnerError
from server.runtime.cuda_probe import why_no_cuda
from server.runtime.cuda_trouble import explain
from server.runtime.device.budget import NotEnoughDeviceMemory
from server.runtime.device.capture_list import CaptureList
from server.runtime.device.cuda import CudaDevice
from server.runtime.device.cuda import probe as probe_device
from server.runtime.device.device import Device, DeviceError
from server.runtime.device.host import HostDevice
from server.runtime.device.runner import MOST_STEPS_AHEAD, DeviceRunner
from server.runtime.ort_runner import OrtRunner
from server.runtime.providers import (
    ProviderChoice,
    ProviderError,
    Requested,
    choose_provider,
    fallen_back,
)
from server.runtime.session import PlacementError, nodes_elsewhere

_CPU_ROWS = 16
# The system itself refuses what there is not.
_HOST_BYTES = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """Where and how the model may run. Of rows, 0 leaves the number to be chosen."""

    provider: Requested = "auto"
    strict: bool = False
    threads: int = 0
    device: int = 0
    memory_fraction: float = 0.9
    max_rows: int = 0
    # How many tokens of documents a device encodes at once at most.
    encode_tokens: int = 0
    capture: CaptureList = field(default_factory=CaptureList)
    # Called at the start with how many steps of how many are captured.
    on_capture: Callable[[int, int], None] = lambda done, of: None


class ServingRunner(ModelRunner, Protocol):
    """A runner that says where it runs."""

    @property
    def threads(self) -> int:
        """How many threads of the CPU it computes with."""

    @property
    def actual_provider(self) -> str:
        """The execution provider of its sessions, read back from them."""


@dataclass(frozen=True, slots=True)
class MadeRunner:
    """A runner, where it was to run and does, and how many rows it has."""

    runner: ServingRunner
    choice: ProviderChoice
    max_rows: int
    # What the CPU runs of the graphs on a GPU, by graph: see nodes_elsewhere.
    nodes_elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _probe(index: int) -> str | None:
    return why_no_cuda(lambda: probe_device(index))


def _make_on_device(bundle: Bundle, options: RunnerOptions, choice: ProviderChoice) -> MadeRunner:
    """On the GPU, or with the CPU in its part."""
    on_gpu = choice.actual == "cuda"
    device: Device = CudaDevice(options.device) if on_gpu else HostDevice(_HOST_BYTES)
    runner = DeviceRunner(
        bundle,
        device,
        requested_provider=choice.requested,
        threads=options.threads,
        memory_fraction=options.memory_fraction,
        max_rows=options.max_rows or (0 if on_gpu else _CPU_ROWS),
        encode_tokens=options.encode_tokens,
        # The processor does not wait for a look of the host's: to go on unlooked-at only costs.
        most_steps_ahead=MOST_STEPS_AHEAD if on_gpu else 0,
        capture=options.capture,
        on_progress=options.on_capture,
    )
    sessions = runner.sessions if on_gpu else {}
    elsewhere = {name: nodes_elsewhere(session) for name, session in sessions.items()}
    return MadeRunner(runner, choice, runner.max_rows, elsewhere)


MakeOnDevice = Callable[[Bundle, RunnerOptions, ProviderChoice], MadeRunner]


def make_runner(
    bundle: Bundle,
    options: RunnerOptions,
    *,
    available: Callable[[], Sequence[str]] = onnxruntime.get_available_providers,
    probe: Callable[[int], str | None] = _probe,
    make_on_device: MakeOnDevice = _make_on_device,
) -> MadeRunner:
    """Loads the bundle where the policy says, or else on the CPU.

    Raises ProviderError where it can run nowhere or only where it must not, and BundleError.
    """
    manifest = bundle.manifest
    choice = choose_provider(
        requested=options.provider,
        strict=options.strict,
        precision=manifest.precision,
        device_loop=bool(manifest.geometry.device_loop),
        available=available(),
        probe=lambda: probe(options.device),
    )
    if choice.actual == "cuda":
        try:
            return make_on_device(bundle, options, choice)
        except (PlacementError, DeviceError) as error:
            choice = fallen_back(
                options.provider,
                explain(str(error)),
                strict=options.strict,
                precision=manifest.precision,
            )
        except (NotEnoughDeviceMemory, OutOfMemoryRunnerError) as error:
            # To go on a hundred times slower, because of a neighbour, is nobody's wish.
            raise ProviderError(f"not enough memory on device {options.device}: {error}") from error
    if manifest.geometry.float_type is not None:
        return make_on_device(bundle, options, choice)
    runner = OrtRunner(bundle, threads=options.threads)
    return MadeRunner(runner, choice, options.max_rows or _CPU_ROWS)

"""The one place that knows how our device runtime is put together."""

from pathlib import Path
from typing import Any

from bundle.load import Bundle, load_bundle
from server.runtime.device.drivers.device import Device
from server.runtime.device.drivers.host import HostDevice

# Of the memory: others are alive beside us.
_MEMORY_FRACTION = 0.5
_HOST_BYTES = 8 << 30
# Padded source tokens that a GPU is given at once.
MAX_ENCODE_TOKENS = 65_536


def open_device(kind: str) -> Device:
    """A GPU, or the processor in the part of one."""
    if kind == "cpu":
        return HostDevice(_HOST_BYTES)
    from server.runtime.device.drivers.cuda import CudaDevice

    return CudaDevice(0)


def open_runner(directory: Path, device: Device, rows: int) -> tuple[Bundle, Any]:
    """A loaded bundle and its runner."""
    from server.runtime.device.runner import DeviceRunner
    from server.runtime.device.steps.capture_list import CaptureList
    from server.runtime.options import RunnerOptions

    bundle = load_bundle(directory)
    options = RunnerOptions(
        memory_fraction=_MEMORY_FRACTION,
        max_rows=rows,
        # None at the start: what a case needs is captured in its first turns.
        capture=CaptureList(sizes={"rows": ()}),
    )
    return bundle, DeviceRunner(bundle, device, options)


def used_bytes(device: Device) -> int:
    """Memory of the device that is taken, by whomever."""
    return device.total_bytes() - device.free_bytes()

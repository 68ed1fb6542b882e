"""The processor: always there, and what is fallen back to."""

from bundle.load import Bundle
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.runner import DeviceRunner
from server.runtime.options import RunnerOptions
from server.runtime.ort_runner import OrtRunner
from server.runtime.providers.provider import MadeRunner, Provider, ProviderChoice
from server.runtime.session import CPU as CPU_PROVIDER

# More than there is: the operating system refuses what it does not have.
_HOST_BYTES = 1 << 40


def _make(bundle: Bundle, options: RunnerOptions, choice: ProviderChoice) -> MadeRunner:
    if bundle.manifest.geometry.float_type is None:
        runner = OrtRunner(bundle, threads=options.threads)
        return MadeRunner(runner, choice, options.max_rows, options.encode_tokens)
    # A bundle in half precision has the graphs of a device only: the CPU takes a device's part.
    device = HostDevice(_HOST_BYTES)
    on_device = DeviceRunner(bundle, device, options, most_steps_ahead=CPU.most_steps_ahead)
    return MadeRunner(on_device, choice, on_device.max_rows, options.encode_tokens)


CPU = Provider(
    name="cpu",
    onnxruntime=CPU_PROVIDER,
    extra="server",
    max_rows=16,
    encode_tokens=1024,
    # Running ahead saves nothing where there is no device to wait for.
    most_steps_ahead=0,
    make=_make,
)

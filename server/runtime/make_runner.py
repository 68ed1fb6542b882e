"""Makes the runner that a bundle and this machine allow, and says how that came about."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import onnxruntime

from bundle.load import Bundle
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.memory.budget import NotEnoughDeviceMemory
from server.runtime.failures import DeviceError
from server.runtime.options import RunnerOptions
from server.runtime.providers.policy import ProviderError, choose_provider, fallen_back
from server.runtime.providers.provider import Accelerator, MadeRunner, ProviderChoice
from server.runtime.session import PlacementError

Make = Callable[[Bundle, RunnerOptions, ProviderChoice], MadeRunner]


def _probe(provider: Accelerator, index: int) -> str | None:
    return provider.probe(index)


def _make(bundle: Bundle, options: RunnerOptions, choice: ProviderChoice) -> MadeRunner:
    return choice.provider.make(bundle, options, choice)


def make_runner(
    bundle: Bundle,
    options: RunnerOptions,
    *,
    available: Callable[[], Sequence[str]] = onnxruntime.get_available_providers,
    probe: Callable[[Accelerator, int], str | None] = _probe,
    make: Make = _make,
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
        probe=lambda provider: probe(provider, options.device),
    )
    if isinstance(provider := choice.provider, Accelerator):
        try:
            return make(bundle, _settled(options, choice), choice)
        except (PlacementError, DeviceError) as error:
            choice = fallen_back(
                options.provider,
                provider,
                provider.explain(str(error)),
                strict=options.strict,
                precision=manifest.precision,
            )
        except (NotEnoughDeviceMemory, OutOfMemoryRunnerError) as error:
            # The CPU would be a hundred times slower, because another process holds the memory.
            raise ProviderError(f"not enough memory on device {options.device}: {error}") from error
    return make(bundle, _settled(options, choice), choice)


def _settled(options: RunnerOptions, choice: ProviderChoice) -> RunnerOptions:
    """The operator's numbers, and the provider's where they were left to be chosen."""
    return replace(
        options,
        max_rows=options.max_rows or choice.provider.max_rows,
        encode_tokens=options.encode_tokens or choice.provider.encode_tokens,
    )

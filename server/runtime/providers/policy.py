"""Which execution provider is to run a bundle, decided before anything is loaded.

docs/gpu.md has this policy as a table.
"""

from collections.abc import Callable, Sequence

from server.runtime.providers.cpu import CPU
from server.runtime.providers.provider import NO_LOOP, Accelerator, ProviderChoice, Trouble
from server.runtime.providers.table import ACCELERATORS
from server.types import RequestedProvider

_HALF_PRECISIONS = ("fp16", "bf16")


class ProviderError(Exception):
    """The bundle cannot run where it may; says why in one line, and what mends it."""


def choose_provider(
    *,
    requested: RequestedProvider,
    strict: bool,
    precision: str,
    device_loop: bool,
    available: Sequence[str],
    probe: Callable[[Accelerator], str | None],
) -> ProviderChoice:
    """Decides; `probe`, asked only if it counts, says why a provider cannot be used here, or None.

    Raises ProviderError where the bundle can run nowhere, or only by a fall-back and that is ruled
    out by `strict`.
    """
    is_half = precision in _HALF_PRECISIONS
    if is_half and not device_loop:
        raise ProviderError(f"{NO_LOOP.reason}; {NO_LOOP.fix}")
    if requested == CPU.name:
        names = " or ".join(("auto", *(each.name for each in ACCELERATORS)))
        asked_for = Trouble(f"--provider {CPU.name} was asked for", f"ask for {names}")
        _refuse_bf16(precision, ACCELERATORS[0], asked_for)
        return ProviderChoice(requested, CPU)
    wanted = [each for each in ACCELERATORS if requested in ("auto", each.name)]
    if requested == "auto":
        wanted = [each for each in wanted if each.why_unfit(precision, device_loop) is None]
        if not is_half:
            # An onnxruntime for CPUs was installed on purpose where the bundle suits a CPU.
            wanted = [each for each in wanted if each.onnxruntime in available]
        if not wanted:
            return ProviderChoice(requested, CPU)
    troubles = []
    for provider in wanted:
        trouble = _trouble_with(provider, precision, device_loop, available, probe)
        if trouble is None:
            return ProviderChoice(requested, provider)
        troubles.append((provider, trouble))
    return fallen_back(requested, *troubles[0], strict=strict, precision=precision)


def fallen_back(
    requested: RequestedProvider,
    provider: Accelerator,
    trouble: Trouble,
    *,
    strict: bool,
    precision: str,
) -> ProviderChoice:
    """Gives the CPU instead of a provider, unless it cannot run the bundle or `strict` forbids."""
    _refuse_bf16(precision, provider, trouble)
    if strict:
        raise ProviderError(
            f"cannot run on {provider.spoken}: {trouble.reason}; {trouble.fix}; "
            "or leave out --strict (PRECIS_STRICT) to run on the CPU"
        )
    return ProviderChoice(requested, CPU, fallback=True, reason=trouble.reason, fix=trouble.fix)


def _trouble_with(
    provider: Accelerator,
    precision: str,
    device_loop: bool,
    available: Sequence[str],
    probe: Callable[[Accelerator], str | None],
) -> Trouble | None:
    if trouble := provider.why_unfit(precision, device_loop):
        return trouble
    if provider.onnxruntime not in available:
        return provider.absent
    said = probe(provider)
    return None if said is None else provider.explain(said)


def _refuse_bf16(precision: str, provider: Accelerator, trouble: Trouble) -> None:
    if precision == "bf16":
        raise ProviderError(
            "the bundle is bf16, for which onnxruntime has no kernels on the CPU, and it cannot "
            f"run on {provider.spoken}: {trouble.reason}; {trouble.fix}"
        )

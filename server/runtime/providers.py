"""Which execution provider is to run a bundle, decided before anything is loaded.

docs/gpu.md has this policy as a table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from server.runtime.cuda_trouble import NO_CUDA_BUILD, Trouble, explain
from server.runtime.session import CUDA

Requested = Literal["auto", "cuda", "cpu"]

_HALF_PRECISIONS = ("fp16", "bf16")
_EXPORT = "python -m export --precision fp16 makes a bundle for a GPU"
_INT8 = Trouble("the bundle is int8, made for the CPU", _EXPORT)
_NO_LOOP = Trouble(
    "the bundle has no decoder_ahead graph, which a device needs",
    "export it again from its checkpoint (python -m export --precision fp16, bf16 or fp32)",
)


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """Where a bundle runs; a fall-back has a reason and a fix."""

    requested: Requested
    actual: Literal["cuda", "cpu"]
    fallback: bool = False
    reason: str = ""
    fix: str = ""


class ProviderError(Exception):
    """The bundle cannot run where it may; says why in one line, and what mends it."""


def choose_provider(
    *,
    requested: Requested,
    strict: bool,
    precision: str,
    device_loop: bool,
    available: Sequence[str],
    probe: Callable[[], str | None],
) -> ProviderChoice:
    """Decides; `probe` says why CUDA cannot be used here, or None, and is asked only if it counts.

    Raises ProviderError where the bundle can run nowhere, or only by a fall-back and that is ruled
    out by `strict`.
    """
    is_half = precision in _HALF_PRECISIONS
    if is_half and not device_loop:
        raise ProviderError(f"{_NO_LOOP.reason}; {_NO_LOOP.fix}")
    if requested == "cpu":
        _refuse_bf16(precision, Trouble("--provider cpu was asked for", "ask for auto or cuda"))
        return ProviderChoice(requested, "cpu")
    trouble = _of_bundle(precision, device_loop)
    if trouble is not None and requested == "auto":
        return ProviderChoice(requested, "cpu")
    if trouble is None and CUDA not in available:
        trouble = NO_CUDA_BUILD
        if requested == "auto" and not is_half:
            # Whoever installs the onnxruntime for CPUs wants just that of a bundle that suits it.
            return ProviderChoice(requested, "cpu")
    if trouble is None and (said := probe()) is not None:
        trouble = explain(said)
    if trouble is None:
        return ProviderChoice(requested, "cuda")
    return fallen_back(requested, trouble, strict=strict, precision=precision)


def fallen_back(
    requested: Requested, trouble: Trouble, *, strict: bool, precision: str
) -> ProviderChoice:
    """Gives the CPU instead of CUDA, unless it cannot run the bundle or `strict` rules it out."""
    _refuse_bf16(precision, trouble)
    if strict:
        raise ProviderError(
            f"cannot run on CUDA: {trouble.reason}; {trouble.fix}; "
            "or leave out --strict (PRECIS_STRICT) to run on the CPU"
        )
    return ProviderChoice(requested, "cpu", fallback=True, reason=trouble.reason, fix=trouble.fix)


def _of_bundle(precision: str, device_loop: bool) -> Trouble | None:
    if precision == "int8":
        return _INT8
    return None if device_loop else _NO_LOOP


def _refuse_bf16(precision: str, trouble: Trouble) -> None:
    if precision == "bf16":
        raise ProviderError(
            "the bundle is bf16, for which onnxruntime has no kernels on the CPU, and it cannot "
            f"run on CUDA: {trouble.reason}; {trouble.fix}"
        )

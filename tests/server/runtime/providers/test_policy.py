"""The policy of docs/gpu.md, cell by cell: the page's own table is what is asked for here."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from server.runtime.providers.cpu import CPU
from server.runtime.providers.cuda import CUDA
from server.runtime.providers.policy import ProviderError, choose_provider
from server.runtime.providers.provider import ProviderChoice
from server.types import RequestedProvider

PAGE = Path(__file__).resolve().parents[4] / "docs" / "gpu.md"
LACKS_LOOP = "fp32 without `decoder_ahead`"
BUNDLES = {
    "int8": ("int8", False),
    LACKS_LOOP: ("fp32", False),
    **{precision: (precision, True) for precision in ("fp32", "fp16", "bf16")},
}
BROKEN = "libcublasLt.so.13: cannot open shared object file: No such file or directory"


def works() -> str | None:
    return None


def is_broken() -> str | None:
    return BROKEN


def must_not_be_asked() -> str | None:
    raise AssertionError("nothing hangs on whether CUDA can be used")


Probe = Callable[[], str | None]
MACHINES: list[tuple[list[str], Probe]] = [
    ([CPU.onnxruntime], must_not_be_asked),
    ([CUDA.onnxruntime, CPU.onnxruntime], is_broken),
    ([CUDA.onnxruntime, CPU.onnxruntime], works),
]


def cells() -> Iterator[tuple[str, str, int, str]]:
    for line in PAGE.read_text("utf-8").splitlines():
        bundle, requested, *outcomes = [cell.strip() for cell in line.split("|")[1:-1]] or ["", ""]
        if bundle in BUNDLES:
            for machine, outcome in enumerate(outcomes):
                yield bundle, requested, machine, outcome


CELLS = list(cells())


def choose(
    bundle: str, requested: RequestedProvider, machine: int, *, strict: bool = False
) -> ProviderChoice:
    precision, device_loop = BUNDLES[bundle]
    available, probe = MACHINES[machine]
    return choose_provider(
        requested=requested,
        strict=strict,
        precision=precision,
        device_loop=device_loop,
        available=available,
        probe=lambda provider: probe(),
    )


def outcome_of(
    bundle: str, requested: RequestedProvider, machine: int, *, strict: bool = False
) -> tuple[str, str]:
    """As the page says it, and the reason."""
    try:
        choice = choose(bundle, requested, machine, strict=strict)
    except ProviderError as error:
        return "refused", str(error)
    assert choice.requested == requested
    assert choice.fallback == bool(choice.reason) == bool(choice.fix)
    if choice.fallback:
        assert choice.provider is CPU
        return "fall-back", choice.reason
    return {"cpu": "CPU", "cuda": "GPU"}[choice.provider.name], ""


def test_the_page_has_every_bundle_every_request_and_every_machine() -> None:
    assert {cell[:3] for cell in CELLS} == {
        (bundle, requested, machine)
        for bundle in BUNDLES
        for requested in get_args(RequestedProvider)
        for machine in range(len(MACHINES))
    }
    assert len(CELLS) == 45


@pytest.mark.parametrize(("bundle", "requested", "machine", "expected"), CELLS)
def test_a_bundle_runs_where_the_page_says(
    bundle: str, requested: RequestedProvider, machine: int, expected: str
) -> None:
    assert outcome_of(bundle, requested, machine)[0] == expected


@pytest.mark.parametrize(("bundle", "requested", "machine", "expected"), CELLS)
def test_strict_refuses_every_fall_back_and_nothing_else(
    bundle: str, requested: RequestedProvider, machine: int, expected: str
) -> None:
    outcome, reason = outcome_of(bundle, requested, machine, strict=True)

    assert outcome == expected.replace("fall-back", "refused")
    assert expected != "fall-back" or ("leave out --strict" in reason and "\n" not in reason)


@pytest.mark.parametrize(
    ("bundle", "machine", "reason", "fix"),
    [
        ("int8", 2, "the bundle is int8, made for the CPU", "python -m export --precision fp16"),
        (LACKS_LOOP, 2, "no decoder_ahead graph", "export it again"),
        ("fp16", 0, "onnxruntime was built without CUDA", "install the gpu extra"),
        ("fp16", 1, "libcublasLt.so.13 is missing", "LD_LIBRARY_PATH"),
    ],
)
def test_a_fall_back_has_a_reason_and_a_fix(
    bundle: str, machine: int, reason: str, fix: str
) -> None:
    choice = choose(bundle, "cuda", machine)

    assert reason in choice.reason
    assert fix in choice.fix


def test_bf16_without_a_gpu_is_refused_for_want_of_kernels_and_says_why_there_is_no_cuda() -> None:
    with pytest.raises(ProviderError, match="no kernels on the CPU") as caught:
        choose("bf16", "auto", 1)

    assert "libcublasLt.so.13 is missing" in str(caught.value)


@pytest.mark.parametrize("requested", get_args(RequestedProvider))
def test_half_precision_without_the_graph_for_devices_can_run_nowhere(
    requested: RequestedProvider,
) -> None:
    with pytest.raises(ProviderError, match="no decoder_ahead graph"):
        choose_provider(
            requested=requested,
            strict=False,
            precision="fp16",
            device_loop=False,
            available=[CUDA.onnxruntime, CPU.onnxruntime],
            probe=lambda provider: None,
        )

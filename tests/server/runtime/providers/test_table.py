"""The table of providers, and what the policy does with one more."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from server.runtime.providers import policy
from server.runtime.providers.cpu import CPU
from server.runtime.providers.cuda import CUDA
from server.runtime.providers.policy import choose_provider
from server.runtime.providers.provider import Accelerator, ProviderChoice, Trouble
from server.runtime.providers.table import PROVIDERS
from server.types import ProviderName

PYPROJECT = Path(__file__).resolve().parents[4] / "pyproject.toml"
NPU = replace(
    CUDA,
    name="npu",  # type: ignore[arg-type]
    onnxruntime="NpuExecutionProvider",
    why_unfit=lambda precision, device_loop: None,
    absent=Trouble("this onnxruntime was built without NPUs", "install the npu extra"),
)


def test_the_table_has_every_name_that_a_setting_may_have() -> None:
    assert tuple(each.name for each in PROVIDERS) == get_args(ProviderName)


def test_every_provider_is_installed_by_an_extra_that_there_is() -> None:
    extras = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    assert {each.extra for each in PROVIDERS} <= extras.keys()
    assert f".[{CUDA.extra}]" in CUDA.absent.fix


@pytest.fixture
def _two_accelerators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "ACCELERATORS", (CUDA, NPU))


def choose(
    precision: str, *available: Accelerator, broken: Sequence[Accelerator] = (), **changes: Any
) -> ProviderChoice:
    options: Any = {"requested": "auto", "strict": False, "device_loop": True} | changes
    return choose_provider(
        precision=precision,
        available=[each.onnxruntime for each in available],
        probe=lambda provider: "it is broken" if provider in broken else None,
        **options,
    )


@pytest.mark.usefixtures("_two_accelerators")
def test_auto_takes_the_first_that_suits_and_works() -> None:
    assert choose("fp16", CUDA, NPU).provider is CUDA
    assert choose("fp16", NPU).provider is NPU
    assert choose("fp32", CUDA, NPU, broken=[CUDA]).provider is NPU
    assert choose("int8", CUDA, NPU).provider is NPU
    assert choose("int8", CUDA).provider is CPU


@pytest.mark.usefixtures("_two_accelerators")
def test_the_one_asked_for_is_the_only_one_tried() -> None:
    assert choose("fp16", CUDA, NPU, requested="npu").provider is NPU
    choice = choose("fp16", CUDA, requested="npu")
    assert (choice.provider, choice.reason) == (CPU, NPU.absent.reason)


@pytest.mark.usefixtures("_two_accelerators")
def test_a_fall_back_from_all_has_the_reason_of_the_first() -> None:
    choice = choose("fp16", broken=[NPU])
    assert (choice.provider, choice.reason) == (CPU, CUDA.absent.reason)

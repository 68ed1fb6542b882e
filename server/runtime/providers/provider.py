"""What a provider is: a place where a model can run, and everything that follows from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bundle.load import Bundle
from server.engine.runner import ModelRunner
from server.runtime.options import RunnerOptions
from server.types import ProviderName, RequestedProvider


class Trouble(NamedTuple):
    """Why a provider cannot be used, and what to do about it."""

    reason: str
    fix: str


NO_LOOP = Trouble(
    "the bundle has no decoder_ahead graph, which a device needs",
    "export it again from its checkpoint (python -m export --precision fp16, bf16 or fp32)",
)


class ServingRunner(ModelRunner, Protocol):
    """A runner that says where it runs."""

    @property
    def threads(self) -> int:
        """How many threads of the CPU it computes with."""

    @property
    def actual_provider(self) -> str:
        """The execution provider of its sessions, read back from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One line of the table: see table.py."""

    # As `--provider` has it.
    name: ProviderName
    # As onnxruntime has it.
    onnxruntime: str
    # The extra of pyproject.toml that installs it.
    extra: str
    # Where the operator leaves them to be chosen; 0 rows are as many as its memory holds.
    max_rows: int
    encode_tokens: int
    # How many steps its runner takes by itself after a proposed one.
    most_steps_ahead: int
    # Makes the runner, of settled options. Raises PlacementError, DeviceError,
    # NotEnoughDeviceMemory and OutOfMemoryRunnerError.
    make: "Callable[[Bundle, RunnerOptions, ProviderChoice], MadeRunner]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator(Provider):
    """A provider that is not there on every machine, nor for every bundle."""

    # Its name in messages.
    spoken: str
    # Why it does not suit a bundle of this precision, with the graphs of a device or without.
    why_unfit: Callable[[str, bool], Trouble | None]
    # What is said of an onnxruntime that was built without it.
    absent: Trouble
    # Asks for the device of this number, and gives what was said if it cannot be used.
    probe: Callable[[int], str | None]
    # Finds the reason and the fix in what a library said.
    explain: Callable[[str], Trouble]


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """Where a bundle runs; a fall-back has a reason and a fix."""

    requested: RequestedProvider
    provider: Provider
    fallback: bool = False
    reason: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class MadeRunner:
    """A runner, where it was to run and does, and the numbers that were left to be chosen."""

    runner: ServingRunner
    choice: ProviderChoice
    max_rows: int
    encode_tokens: int
    # What the CPU runs of the graphs on another device, by graph: see nodes_elsewhere.
    nodes_elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)


def pip_install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install -c requirements/constraints.txt ./client '.[{extra}]'"

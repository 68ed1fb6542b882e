"""What an operator decides of where and how the model runs."""

from collections.abc import Callable
from dataclasses import dataclass, field

from server.runtime.device.steps.capture_list import CaptureList
from server.types import RequestedProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """Where and how the model may run. Of rows and tokens, 0 leaves the number to be chosen."""

    provider: RequestedProvider = "auto"
    strict: bool = False
    threads: int = 0
    device: int = 0
    memory_fraction: float = 0.9
    max_rows: int = 0
    # How many tokens of documents are encoded at once at most: a device keeps memory for them.
    encode_tokens: int = 0
    capture: CaptureList = field(default_factory=CaptureList)
    # Called at the start with how many steps of how many are captured.
    on_capture: Callable[[int, int], None] = lambda done, of: None

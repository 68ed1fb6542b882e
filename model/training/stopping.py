"""Being asked to stop: finish the step, save, end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether SIGINT or SIGTERM came, and which."""

    def __init__(self) -> None:
        self.signal: int | None = None


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Within this, the first SIGINT or SIGTERM is noted; a second one acts as it always does."""
    request = StopRequest()
    before: dict[int, object] = {}

    def note(number: int, frame: FrameType | None) -> None:
        request.signal = number
        restore()

    def restore() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, note)
    try:
        yield request
    finally:
        restore()

"""How much time is left, for all and for each part."""

import time
from collections.abc import Callable


class Deadline:
    """A moment that nothing may run beyond."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end_s = clock() + seconds

    @property
    def left_s(self) -> float:
        """Seconds until then; 0 once it has passed."""
        return max(0.0, self._end_s - self._clock())

    def part(self, seconds: float) -> "Deadline":
        """A part of so many seconds, which ends with the whole at the latest."""
        return Deadline(min(seconds, self.left_s), self._clock)

"""Tells while steps are captured how far that is, since nobody is answered until it is done."""

import logging
import time
from collections.abc import Callable

from server.telemetry.logging import fields

_log = logging.getLogger(__name__)

_INTERVAL_S = 2.0


class CaptureProgress:
    """Called with how many steps of how many are captured; says so now and then, and at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_s = clock()

    def __call__(self, done: int, of: int) -> None:
        """Logs a line if it is time for one."""
        if done < of and self._clock() < self._next_s:
            return
        self._next_s = self._clock() + _INTERVAL_S
        _log.info("capturing", extra=fields(done=done, of=of))

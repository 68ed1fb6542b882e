"""Measures the speed again when an old measurement refuses requests.

If every deadline is shorter than the estimate, nothing runs, and the server would never learn that
the machine has become faster.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from server.engine.pace import Pace
from server.errors import RequestError

_log = logging.getLogger(__name__)

_OLD_S = 5.0


class Remeasurer:
    """Writes one summary that nobody asked for, if the last measurement is some seconds old."""

    def __init__(
        self,
        measure: Callable[[], Coroutine[Any, Any, None]],
        *,
        pace: Callable[[], Pace | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure = measure
        self._pace = pace
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def refused(self) -> None:
        """Called when a request was refused because of the estimate."""
        pace = self._pace()
        is_busy = self._task is not None and not self._task.done()
        if pace is None or is_busy or self._clock() - pace.measured_s < _OLD_S:
            return
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        _log.info("measures the speed again")
        with suppress(RequestError):  # the engine has logged it, and the next refusal tries again
            await self._measure()

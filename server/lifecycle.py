"""When the server ends: gently on a signal, at once on a second, failed if the engine dies."""

import asyncio
import enum
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Ending(enum.Enum):
    """Why the server is to end."""

    SIGNAL = "signal"
    ENGINE_FAILED = "engine failed"


class Lifecycle:
    """Knows whether to go on. For one event loop; engine_failed() may come from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ending: asyncio.Future[Ending] = loop.create_future()
        self._hurry = asyncio.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes SIGTERM and SIGINT for itself."""
        for number in _SIGNALS:
            self._loop.add_signal_handler(number, self.signalled)
        try:
            yield
        finally:
            self._stop_listening()

    def signalled(self) -> None:
        """The first signal asks for the end, the second for haste; a third ends the process."""
        if self._ending.done():
            self._hurry.set()
            self._stop_listening()
        else:
            self._ending.set_result(Ending.SIGNAL)

    def engine_failed(self, _: BaseException) -> None:
        """The engine cannot go on; it has logged why."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_for_engine)

    async def ending(self) -> Ending:
        """Waits until the server is to end."""
        return await asyncio.shield(self._ending)

    async def unless_ending(self, work: Coroutine[Any, Any, object]) -> bool:
        """Does some work, but gives it up once the server is to end; True if it was done."""
        return await _unless(self.ending(), work)

    async def unless_hurried(self, work: Coroutine[Any, Any, object]) -> bool:
        """Does some work, but gives it up on a second signal; True if it was done."""
        return await _unless(self._hurry.wait(), work)

    def _end_for_engine(self) -> None:
        if not self._ending.done():
            self._ending.set_result(Ending.ENGINE_FAILED)

    def _stop_listening(self) -> None:
        for number in _SIGNALS:
            self._loop.remove_signal_handler(number)


async def then_let_tasks_end(work: Coroutine[Any, Any, _Result], *, limit_s: float) -> _Result:
    """Does some work, then waits a while for the loop's other tasks before it ends with them.

    gRPC's tasks may outlive a stopped server by a turn of the loop; cancelled in that turn, each
    of them prints a traceback.
    """
    try:
        return await work
    finally:
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=limit_s)


async def _unless(limit: Coroutine[Any, Any, object], work: Coroutine[Any, Any, object]) -> bool:
    limiting, working = asyncio.create_task(limit), asyncio.create_task(work)
    try:
        await asyncio.wait([limiting, working], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        limiting.cancel()
        working.cancel()

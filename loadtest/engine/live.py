"""Tells of calls many times a second, so that a page can show them while the load goes on.

Often, so that it is little each time: who tells and who listens take time from the load.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

from loadtest.measure.call import Call

_PAUSE_S = 0.02

# Kind, status, latency in ms, time to the first delta in ms, mean between deltas in ms, tokens/s.
LiveCall = tuple[str, str, float, float | None, float | None, float | None]


class Live:
    """Gathers calls; inside its `async with` it passes them on."""

    def __init__(self, tell: Callable[[list[LiveCall]], None]) -> None:
        self._tell = tell
        self._calls: list[LiveCall] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, call: Call) -> None:
        """Takes a call that ended."""
        self._calls.append(summarise_call(call))

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._pass_on())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        self._flush()

    async def _pass_on(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_S)
            self._flush()

    def _flush(self) -> None:
        if self._calls:
            calls, self._calls = self._calls, []
            self._tell(calls)


def summarise_call(call: Call) -> LiveCall:
    """Keeps of a call what a page shows of it."""
    latency_ms = 1000 * (call.ended_s - call.intended_s)
    if not call.deltas_s:
        return call.kind, call.status, latency_ms, None, None, None
    first_s, last_s, gaps = call.deltas_s[0], call.deltas_s[-1], len(call.deltas_s) - 1
    return (
        call.kind,
        call.status,
        latency_ms,
        1000 * (first_s - call.intended_s),
        1000 * (last_s - first_s) / gaps if gaps else None,
        call.summary_tokens / (last_s - call.sent_s) if call.summary_tokens else None,
    )

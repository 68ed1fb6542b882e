"""What a protocol has to bring: one method that sends once and tells how it went.

Everything else is here, and the same for all: retries, hanging up, the clock. To test another
protocol, write a subclass and name it: `--caller my_module:MyCaller`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.engine.clock import Clock
from loadtest.measure.call import HUNG_UP, Call
from loadtest.orders import Target
from loadtest.scenario import MixEntry

NEVER_ENDED = "NEVER_ENDED"
"""Status of a call that its protocol had not given up on some seconds after its deadline."""

_GRACE_S = 5.0
_BACKOFF_S = 0.1
_LONGEST_BACKOFF_S = 5.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One call to make."""

    entry: MixEntry
    documents: tuple[str, ...]  # one, unless the call is a batch
    lane: int  # calls of one lane share a connection: a user's number, or the call's


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one sending went."""

    status: str  # "OK", else a word of the protocol
    summary_tokens: int = 0
    may_retry: bool = False  # whether it may go well later
    retry_after_s: float | None = None  # if the server said when


class Caller(ABC):
    """Speaks a protocol with the target; made once in each generator, inside its event loop."""

    minds_deadlines = False
    """Whether `send` is sure to be over soon after its timeout, so that nobody has to watch it."""

    def __init__(self, target: Target, clock: Clock) -> None:
        self.target = target
        self.clock = clock

    @abstractmethod
    async def send(self, ask: Ask, timeout_s: float, deltas_s: list[float]) -> Answer:
        """Sends once and waits for the end of the answer; raises nothing but cancellation.

        The time of each piece of the answer, if it comes in pieces, is appended to `deltas_s`.
        """

    async def check(self, mix: tuple[MixEntry, ...]) -> Mapping[str, str]:
        """Says what is worth knowing of the target; LoadTestError if it will not take the mix."""
        return {}

    async def close(self) -> None:  # noqa: B027  # a protocol may have nothing to close
        """Hangs up."""

    async def call(self, ask: Ask, intended_s: float | None = None) -> Call:
        """Makes a call that was due then, or now, and measures it."""
        sent_s = self.clock.now()
        flow = _Flow()
        try:
            async with asyncio.timeout(ask.entry.cancel_after_s):
                await self._send_until_answered(ask, flow)
        except (TimeoutError, asyncio.CancelledError):
            # The caller's patience is over, or the run is: either way the call is counted.
            flow.answer = Answer(status=HUNG_UP)
        return Call(
            kind=ask.entry.call,
            intended_s=sent_s if intended_s is None else intended_s,
            sent_s=sent_s,
            ended_s=self.clock.now(),
            status=flow.answer.status,
            deltas_s=tuple(flow.deltas_s),
            summary_tokens=flow.answer.summary_tokens,
            retries=flow.retries,
            pushed_back=flow.pushed_back,
            refused=flow.answer.retry_after_s is not None,
            label=ask.entry.label,
        )

    async def _send_until_answered(self, ask: Ask, flow: "_Flow") -> None:
        """Sends again what may go well later, until the deadline at most."""
        give_up_s = self.clock.now() + ask.entry.deadline_s
        backoff_s = _BACKOFF_S
        while True:
            flow.deltas_s.clear()
            left_s = give_up_s - self.clock.now()
            flow.answer = answer = await self._send_once(ask, left_s, flow)
            flow.pushed_back += answer.retry_after_s is not None
            if not answer.may_retry or flow.retries == ask.entry.retries:
                return
            wait_s = backoff_s if answer.retry_after_s is None else answer.retry_after_s
            if self.clock.now() + wait_s >= give_up_s:
                return
            await asyncio.sleep(wait_s)
            flow.retries += 1
            backoff_s = min(2 * backoff_s, _LONGEST_BACKOFF_S)

    async def _send_once(self, ask: Ask, left_s: float, flow: "_Flow") -> Answer:
        """Sends, and does not wait for ever for a protocol that minds no deadline."""
        if self.minds_deadlines:
            return await self.send(ask, left_s, flow.deltas_s)
        try:
            async with asyncio.timeout(left_s + _GRACE_S):
                return await self.send(ask, left_s, flow.deltas_s)
        except TimeoutError:
            return Answer(status=NEVER_ENDED)


class _Flow:
    """What is known of a call so far; it outlives a hanging up."""

    def __init__(self) -> None:
        self.answer = Answer(status="UNKNOWN")
        self.deltas_s: list[float] = []
        self.retries = 0
        self.pushed_back = 0

"""Carries out orders: makes the calls of a phase, or of this generator's share of it."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from loadtest.engine.arrivals import due_times, share_of
from loadtest.engine.caller import Caller
from loadtest.engine.clock import Clock
from loadtest.engine.loops import run_closed_loop, run_open_loop
from loadtest.engine.mix import Mix
from loadtest.exits import Exit, LoadTestError
from loadtest.measure.call import Call
from loadtest.measure.recorder import PhaseRecorder
from loadtest.orders import Order, Setup, Target

LEAD_S = 0.3
"""From an order to the phase's start: by then it has reached every generator."""


class Generator:
    """Makes load; lives inside one event loop."""

    def __init__(self, setup: Setup, watch: Callable[[Call], None]) -> None:
        self._setup = setup
        self._watch = watch
        self._clock = Clock()
        self._mix = Mix(setup.work)
        self._caller = _caller_class(setup.target)(setup.target, self._clock)

    async def check(self) -> Mapping[str, str]:
        """Says what is worth knowing of the target; LoadTestError if it cannot be loaded."""
        facts = await self._caller.check(self._setup.work.mix)
        # What lives for the whole run need not be looked through again and again.
        gc.collect()
        gc.freeze()
        return facts

    async def close(self) -> None:
        """Hangs up."""
        await self._caller.close()

    async def run(self, order: Order) -> dict[str, Any]:
        """Runs a phase to its last answer, or until cancelled, and gives what was recorded."""
        phase = order.phase
        recorder = PhaseRecorder(
            phase.name, phase.model, phase.level, phase.warm_up_s, order.start_s
        )
        self._clock.set(order.start_s - LEAD_S)
        loop = self._closed if phase.users is not None else self._open
        try:
            await loop(order, recorder)
            ended_early = False
        except asyncio.CancelledError:
            ended_early = True
        return {
            "number": order.number,
            "recorded": recorder.dump(),
            "ended_early": ended_early,
            "end_s": min(self._clock.now(), order.start_s + phase.seconds),
        }

    async def _open(self, order: Order, recorder: PhaseRecorder) -> None:
        times = due_times(order.phase, f"{self._setup.work.seed}/{order.number}")

        async def make_call(number: int, due_s: float) -> Call:
            ask = self._mix.choose(
                f"{order.number}.{number}", number // order.shares, order.phase.calls
            )
            return await self._caller.call(ask, due_s)

        await run_open_loop(
            share_of(times, order.share, order.shares),
            make_call,
            self._recording(recorder),
            clock=self._clock,
            recorder=recorder,
            start_s=order.start_s,
            in_flight=_part(order.phase.in_flight, order),
        )
        # That nobody came at the end belongs to the load: a shorter one would have a higher rate.
        await self._clock.sleep_until(order.start_s + order.phase.seconds)

    async def _closed(self, order: Order, recorder: PhaseRecorder) -> None:
        async def make_call(user: int, count: int) -> Call:
            ask = self._mix.choose(
                f"{order.number}.{user}.{count}", user // order.shares, order.phase.calls
            )
            return await self._caller.call(ask)

        assert order.phase.users is not None
        await run_closed_loop(
            range(order.share, order.phase.users, order.shares),
            make_call,
            self._recording(recorder),
            clock=self._clock,
            start_s=order.start_s,
            end_s=order.start_s + order.phase.seconds,
            think_s=order.phase.think_s,
        )

    def _recording(self, recorder: PhaseRecorder) -> Callable[[Call], None]:
        def record(call: Call) -> None:
            recorder.add(call)
            self._watch(call)

        return record


def _part(whole: int, order: Order) -> int:
    """Divides a whole number among the generators, each of which gets at least one."""
    return max(1, whole // order.shares + (order.share < whole % order.shares))


def _caller_class(target: Target) -> type[Caller]:
    module, _, name = target.caller.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise LoadTestError(Exit.USAGE, f"--caller {target.caller}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Caller)):
        raise LoadTestError(Exit.USAGE, f"--caller {target.caller}: not a class of Caller")
    return found

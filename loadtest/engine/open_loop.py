"""Callers who come when they come: nobody waits for the answer to another's call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from loadtest.engine.clock import Clock
from loadtest.measure.call import Call
from loadtest.measure.recorder import PhaseRecorder


async def run_open_loop(
    arrivals: Iterator[tuple[int, float]],
    make_call: Callable[[int, float], Awaitable[Call]],
    ended: Callable[[Call], None],
    *,
    clock: Clock,
    recorder: PhaseRecorder,
    start_s: float,
    in_flight: int,
) -> None:
    """Makes each call when it is due, and returns when all have ended.

    A call that starts late, for want of this generator's time, is measured from when it was due.
    One that finds `in_flight` others still unanswered is not made, and counted as dropped.
    """
    unanswered = 0

    async def make(number: int, due_s: float) -> None:
        nonlocal unanswered
        recorder.arrival(due_s)  # not before: a load may be stopped between its coming and here
        try:
            ended(await make_call(number, due_s))
        finally:
            unanswered -= 1

    async with asyncio.TaskGroup() as calls:
        for number, offset_s in arrivals:
            due_s = start_s + offset_s
            await clock.sleep_until(due_s)
            if unanswered >= in_flight:
                recorder.arrival(due_s)
                recorder.dropped(due_s)
            else:
                unanswered += 1
                calls.create_task(make(number, due_s))

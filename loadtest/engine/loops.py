"""Two kinds of callers: those who come when they come, and those who wait for each answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from loadtest.engine.clock import Clock
from loadtest.measure.call import HUNG_UP, OK, Call
from loadtest.measure.recorder import PhaseRecorder

_PAUSE_AFTER_FAILURE_S = 0.1
"""A refusal comes at once. Without a pause a closed loop would become a busy one."""


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


async def run_closed_loop(
    users: range,
    make_call: Callable[[int, int], Awaitable[Call]],
    ended: Callable[[Call], None],
    *,
    clock: Clock,
    start_s: float,
    end_s: float,
    think_s: float,
) -> None:
    """Lets each user make one call after another until the end, and waits for the last answers."""

    async def act(user: int) -> None:
        await clock.sleep_until(start_s)
        count = 0
        while clock.now() < end_s:
            call = await make_call(user, count)
            ended(call)
            if is_stopped():
                return
            count += 1
            failed = call.status not in (OK, HUNG_UP)
            pause_s = max(think_s, _PAUSE_AFTER_FAILURE_S if failed else 0.0)
            await clock.sleep_until(min(end_s, clock.now() + pause_s))

    def is_stopped() -> bool:
        # A call that was going on has taken the cancellation as its own end.
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async with asyncio.TaskGroup() as group:
        for user in users:
            group.create_task(act(user))

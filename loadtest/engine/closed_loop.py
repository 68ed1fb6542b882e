"""Callers who wait for each answer, and think, before they ask again."""

import asyncio
from collections.abc import Awaitable, Callable

from loadtest.engine.clock import Clock
from loadtest.measure.call import HUNG_UP, OK, Call

_PAUSE_AFTER_FAILURE_S = 0.1
"""A refusal comes at once. Without a pause a closed loop would become a busy one."""


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

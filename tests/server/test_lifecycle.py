"""When the server ends."""

import asyncio
import os
import signal
import threading

import pytest

from server.lifecycle import Ending, Lifecycle, then_let_tasks_end


@pytest.fixture
async def lifecycle() -> Lifecycle:
    return Lifecycle(asyncio.get_running_loop())


async def test_a_signal_ends_the_server(lifecycle: Lifecycle) -> None:
    with lifecycle.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        assert await lifecycle.ending() is Ending.SIGNAL


async def test_the_engines_death_on_its_own_thread_ends_the_server(lifecycle: Lifecycle) -> None:
    thread = threading.Thread(target=lifecycle.engine_failed, args=(RuntimeError(),))
    thread.start()

    assert await lifecycle.ending() is Ending.ENGINE_FAILED
    thread.join()


async def test_what_came_first_is_why_the_server_ends(lifecycle: Lifecycle) -> None:
    lifecycle.signalled()
    lifecycle.engine_failed(RuntimeError())
    await asyncio.sleep(0)

    assert await lifecycle.ending() is Ending.SIGNAL


async def test_work_before_the_end_is_done(lifecycle: Lifecycle) -> None:
    assert await lifecycle.unless_ending(asyncio.sleep(0))


async def test_work_is_given_up_at_the_end(lifecycle: Lifecycle) -> None:
    lifecycle.signalled()

    assert not await lifecycle.unless_ending(_for_ever())


async def test_work_that_fails_says_so(lifecycle: Lifecycle) -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await lifecycle.unless_ending(fail())


async def test_a_second_signal_asks_for_haste(lifecycle: Lifecycle) -> None:
    lifecycle.signalled()
    waiting = asyncio.create_task(lifecycle.unless_hurried(_for_ever()))
    await asyncio.sleep(0)
    assert not waiting.done()

    lifecycle.signalled()

    assert not await waiting


async def test_a_third_signal_has_its_usual_effect(lifecycle: Lifecycle) -> None:
    with lifecycle.listening():
        lifecycle.signalled()
        lifecycle.signalled()

        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_ends_a_turn_after_the_work_is_not_cancelled_with_the_loop() -> None:
    ended: list[str] = []

    async def end_late() -> None:
        await asyncio.sleep(0)
        ended.append("late")

    async def work() -> str:
        asyncio.get_running_loop().create_task(end_late(), name="late")
        return "done"

    assert asyncio.run(then_let_tasks_end(work(), limit_s=60.0)) == "done"
    assert ended == ["late"]


def test_what_never_ends_is_cancelled_with_the_loop() -> None:
    async def work() -> str:
        asyncio.get_running_loop().create_task(_for_ever(), name="for ever")
        return "done"

    assert asyncio.run(then_let_tasks_end(work(), limit_s=0.01)) == "done"


async def _for_ever() -> None:
    await asyncio.Event().wait()

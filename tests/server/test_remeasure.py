"""An old measurement does not refuse requests for ever."""

import asyncio

from server.engine.pace import Pace
from server.errors import EngineFailure
from server.remeasure import Remeasurer


class Measuring:
    """Counts how often the speed is measured."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.go_on = asyncio.Event()
        self._error = error

    async def __call__(self) -> None:
        self.count += 1
        await self.go_on.wait()
        if self._error is not None:
            raise self._error


def make_remeasurer(measuring: Measuring, *, age_s: float) -> Remeasurer:
    pace = Pace(1.0, 1.0, 1.0, measured_s=100.0)
    return Remeasurer(measuring, pace=lambda: pace, clock=lambda: 100.0 + age_s)


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_refusal_by_an_old_measurement_starts_one_new_measurement_at_a_time() -> None:
    measuring = Measuring()
    remeasurer = make_remeasurer(measuring, age_s=60)
    for _ in range(3):
        remeasurer.refused()
        await turn()
    assert measuring.count == 1
    measuring.go_on.set()
    await turn()
    remeasurer.refused()
    await turn()
    assert measuring.count == 2


async def test_a_fresh_measurement_is_not_repeated() -> None:
    measuring = Measuring()
    make_remeasurer(measuring, age_s=1).refused()
    await turn()
    assert measuring.count == 0


async def test_a_measurement_that_fails_is_tried_again_at_the_next_refusal() -> None:
    measuring = Measuring(EngineFailure("no"))
    measuring.go_on.set()
    remeasurer = make_remeasurer(measuring, age_s=60)
    for _ in range(2):
        remeasurer.refused()
        await turn()
    assert measuring.count == 2

"""The open and the closed loop, under a clock that no test waits for."""

import asyncio
from collections.abc import Sequence

import pytest

from loadtest.engine.clock import Clock
from loadtest.engine.loops import run_closed_loop, run_open_loop
from loadtest.measure.call import HUNG_UP, OK, Call
from loadtest.measure.recorder import PhaseRecorder
from loadtest.results import Phase
from tests.fakes.fake_clock import FakeClock


class OpenLoop:
    """An open loop whose calls take as long as a test says."""

    def __init__(self, service_s: Sequence[float], in_flight: int = 100) -> None:
        self.clock = FakeClock()
        self.recorder = PhaseRecorder("p", "open", None, 0.0, 100.0)
        self.calls: list[Call] = []
        self._service_s, self._in_flight = service_s, in_flight

    async def run(self, offsets_s: Sequence[float]) -> Phase:
        await self.clock.run(
            run_open_loop(
                enumerate(offsets_s),
                self.make_call,
                self.ended,
                clock=self.clock,
                recorder=self.recorder,
                start_s=100.0,
                in_flight=self._in_flight,
            )
        )
        return self.recorder.result(110.0)

    async def make_call(self, number: int, due_s: float) -> Call:
        sent_s = self.clock.now()
        await self.clock.sleep(self._service_s[number])
        return Call(
            kind="Fake", intended_s=due_s, sent_s=sent_s, ended_s=self.clock.now(), status=OK
        )

    def ended(self, call: Call) -> None:
        self.calls.append(call)
        self.recorder.add(call)


async def test_calls_are_sent_when_due_whatever_becomes_of_the_others() -> None:
    loop = OpenLoop(service_s=[5.0, 0.5, 0.5])

    phase = await loop.run([0.0, 1.0, 2.0])

    assert [(call.sent_s, call.ended_s) for call in loop.calls] == [
        (101.0, 101.5),
        (102.0, 102.5),
        (100.0, 105.0),
    ]
    assert (phase.offered, phase.ok, phase.dropped) == (3, 3, 0)


async def test_a_late_sending_is_measured_from_when_it_was_due() -> None:
    loop = OpenLoop(service_s=[0.1, 0.1])
    make_call = loop.make_call

    async def stall_then_call(number: int, due_s: float) -> Call:
        call = await make_call(number, due_s)
        loop.clock.spend(3.0)  # the generator is busy with something else
        return call

    loop.make_call = stall_then_call  # type: ignore[method-assign]

    phase = await loop.run([0.0, 1.0])

    # Due at 101 and sent at 103.1, when the stall was over: the caller waited 2.2 s, not 0.1.
    late = loop.calls[1]
    assert late.intended_s == 101.0
    assert late.sent_s == pytest.approx(103.1)
    assert phase.distributions["latency"].greatest == pytest.approx(2200, rel=0.01)
    assert phase.distributions["service"].greatest == pytest.approx(100, rel=0.01)
    assert phase.distributions["send lag"].greatest == pytest.approx(2100, rel=0.01)


async def test_an_arrival_beyond_those_in_flight_is_dropped_and_counted() -> None:
    loop = OpenLoop(service_s=[5.0, 5.0, 5.0, 0.1], in_flight=2)

    phase = await loop.run([0.0, 1.0, 2.0, 6.0])

    assert len(loop.calls) == 3
    assert (phase.offered, phase.ok, phase.dropped) == (4, 3, 1)


async def test_a_call_that_a_stop_finds_unbegun_was_never_due() -> None:
    class StoppingClock(Clock):
        async def sleep_until(self, due_s: float) -> None:
            if due_s > 100:
                raise asyncio.CancelledError

    loop = OpenLoop(service_s=[5.0])
    loop.clock = StoppingClock()  # type: ignore[assignment]
    recorder = loop.recorder
    with pytest.raises(asyncio.CancelledError):
        await run_open_loop(
            enumerate([0.0, 1.0]),
            loop.make_call,
            loop.ended,
            clock=loop.clock,
            recorder=recorder,
            start_s=100.0,
            in_flight=9,
        )

    assert recorder.result(110.0).offered == 0


async def test_a_call_that_breaks_breaks_the_load_and_is_not_forgotten() -> None:
    loop = OpenLoop(service_s=[])  # no service time for anybody: an IndexError

    with pytest.raises(ExceptionGroup) as caught:
        await loop.run([0.0])

    assert isinstance(caught.value.exceptions[0], IndexError)


async def run_users(
    service_s: float, status: str = OK, think_s: float = 0.0, users: range = range(2)
) -> list[Call]:
    """Lets users call for ten seconds."""
    clock, calls = FakeClock(), list[Call]()

    async def make_call(user: int, count: int) -> Call:
        sent_s = clock.now()
        await clock.sleep(service_s)
        now = clock.now()
        return Call(
            kind=f"{user}.{count}", intended_s=sent_s, sent_s=sent_s, ended_s=now, status=status
        )

    await clock.run(
        run_closed_loop(
            users, make_call, calls.append, clock=clock, start_s=1.0, end_s=11.0, think_s=think_s
        )
    )
    return calls


async def test_a_user_waits_for_the_answer_and_thinks_before_the_next_call() -> None:
    calls = await run_users(service_s=1.5, think_s=0.5, users=range(3, 4))

    assert [call.sent_s for call in calls] == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert [call.kind for call in calls] == ["3.0", "3.1", "3.2", "3.3", "3.4"]


async def test_the_last_answer_is_awaited_after_the_end() -> None:
    calls = await run_users(service_s=4.0)

    assert [call.ended_s for call in calls] == [5.0, 5.0, 9.0, 9.0, 13.0, 13.0]


@pytest.mark.parametrize(("status", "count"), [("UNAVAILABLE", 200), (HUNG_UP, 2000), (OK, 2000)])
async def test_users_pause_after_a_failure_but_not_after_hanging_up(
    status: str, count: int
) -> None:
    calls = await run_users(service_s=0.01 if status != "UNAVAILABLE" else 1e-9, status=status)

    assert abs(len(calls) - count) <= 4


async def test_stopping_a_load_ends_its_users_after_the_call_that_they_are_at() -> None:
    calls: list[int] = []
    clock = FakeClock()

    async def make_call(user: int, count: int) -> Call:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            calls.append(user)
        return Call(kind="Fake", intended_s=0, sent_s=0, ended_s=0, status=HUNG_UP)

    ended: list[Call] = []
    load = asyncio.create_task(
        run_closed_loop(
            range(3), make_call, ended.append, clock=clock, start_s=0.0, end_s=9.0, think_s=0.0
        )
    )
    for _ in range(10):
        await asyncio.sleep(0)
    load.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(load, 10)

    assert sorted(calls) == [0, 1, 2]
    assert len(ended) == 3

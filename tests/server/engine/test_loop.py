"""The engine's thread: hand-over, wake-up, stop and failure."""

import queue
import threading
from collections.abc import Sequence

import pytest

from server.decoding.greedy import Greedy
from server.decoding.strategy import Outcome
from server.engine.loop import EngineLoop
from server.engine.request import Event, Failed, Finished
from server.engine.runner import DecodeBatch
from server.errors import DeviceLost, EngineFailure
from server.runtime.failures import DeviceError
from server.types import DecodingOptions
from tests.server.engine.scripted import (
    SPECIAL,
    EncodingByItself,
    ScriptedRunner,
    make_engine,
    make_request,
)

PATIENCE_S = 30


class Harness:
    """A loop whose events can be waited for."""

    def __init__(self, runner: ScriptedRunner, *, start: bool = True) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.fatal: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self.loop = EngineLoop(
            make_engine(runner),
            deliver=self._deliver,
            on_fatal=self.fatal.put,
        )
        if start:
            self.loop.start()

    def _deliver(self, events: list[Event]) -> None:
        for event in events:
            self.events.put(event)

    def next_event(self) -> Event:
        return self.events.get(timeout=PATIENCE_S)


def test_an_idle_loop_wakes_up_for_a_request_and_sleeps_again() -> None:
    harness = Harness(ScriptedRunner())
    for i in range(2):
        harness.loop.submit(make_request(i, (10, 11)))
        event = harness.next_event()
        assert isinstance(event, Finished)
        assert (event.request_id, event.hypotheses[0].tokens) == (i, [11, 10])
    harness.loop.stop()
    assert harness.loop.join(PATIENCE_S)


def test_stopping_fails_what_is_still_inside() -> None:
    endless = DecodingOptions(max_tokens=10**9, min_tokens=10**9)
    strategy = Greedy(endless, SPECIAL)
    harness = Harness(ScriptedRunner())
    harness.loop.submit(make_request(0, strategy=strategy, wants_tokens=True))
    harness.next_event()
    harness.loop.stop()
    assert harness.loop.join(PATIENCE_S)
    last = None
    while not harness.events.empty():
        last = harness.events.get()
    assert isinstance(last, Failed)
    assert isinstance(last.error, EngineFailure)


def test_an_engine_that_breaks_fails_everyone_and_reports_it() -> None:
    class Broken(ScriptedRunner):
        def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
            raise ZeroDivisionError

    harness = Harness(Broken())
    harness.loop.submit(make_request(0))
    event = harness.next_event()
    assert isinstance(event, Failed)
    assert isinstance(event.error, EngineFailure)
    assert isinstance(harness.fatal.get(timeout=PATIENCE_S), ZeroDivisionError)
    assert harness.loop.join(PATIENCE_S)


class LostWhileEncoding(ScriptedRunner):
    """A device that is lost while it encodes by itself."""

    def begin_encoding(self, sources: Sequence[Sequence[int]]) -> EncodingByItself:
        class Lost(EncodingByItself):
            def advance(self, *, wait: bool = True) -> bool:
                raise DeviceError("the device is lost")

        return Lost(self, sources)


class LostWhileAdmitting(ScriptedRunner):
    """A device that is lost when a document gets its place."""

    def admit(self, *arguments: object, **named: object) -> None:
        raise DeviceError("the device is lost")


class LostWhileDecoding(ScriptedRunner):
    """A device that is lost while it goes on by itself."""

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        assert batch.steps_ahead > 0
        raise DeviceError("the device is lost")


@pytest.mark.parametrize("kind", [LostWhileEncoding, LostWhileAdmitting, LostWhileDecoding])
def test_a_lost_device_ends_the_engine_at_once_and_sends_everyone_elsewhere(
    kind: type[ScriptedRunner],
) -> None:
    harness = Harness(kind(most_steps_ahead=4), start=False)
    for i in range(3):
        harness.loop.submit(make_request(i, (10 + i, 20, 30, 40)))
    harness.loop.start()
    assert isinstance(harness.fatal.get(timeout=PATIENCE_S), DeviceError)
    assert harness.loop.join(PATIENCE_S)
    harness.loop.submit(make_request(3))
    told = [harness.next_event() for _ in range(4)]
    assert {event.request_id for event in told} == {0, 1, 2, 3}
    assert {type(event.error) for event in told if isinstance(event, Failed)} == {DeviceLost}


def test_a_request_that_comes_after_the_end_fails_at_once() -> None:
    harness = Harness(ScriptedRunner())
    harness.loop.stop()
    assert harness.loop.join(PATIENCE_S)
    harness.loop.submit(make_request(0))
    event = harness.next_event()
    assert isinstance(event, Failed)
    assert "stopped" in str(event.error)


def test_a_request_that_waits_in_the_inbox_behind_the_end_fails() -> None:
    harness = Harness(ScriptedRunner(), start=False)
    harness.loop.stop()
    harness.loop.submit(make_request(0))
    harness.loop.start()
    assert isinstance(harness.next_event(), Failed)


def test_a_failure_is_reported_even_if_nobody_can_be_told_of_it_any_more() -> None:
    class Broken(ScriptedRunner):
        def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
            raise ZeroDivisionError

    class Deaf(Harness):
        def _deliver(self, events: list[Event]) -> None:
            raise RuntimeError("nobody listens")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda arguments: None)
        harness = Deaf(Broken())
        harness.loop.submit(make_request(0))
        assert isinstance(harness.fatal.get(timeout=PATIENCE_S), ZeroDivisionError)
        assert harness.loop.join(PATIENCE_S)

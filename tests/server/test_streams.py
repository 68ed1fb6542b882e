"""The event loop's side of the engine, over an engine that only takes notes."""

import asyncio
from typing import cast

import pytest

from server.decoding.strategy import DraftCount, Strategy
from server.engine.request import EngineRequest, Finished, Stamps, Terms, Written
from server.errors import EngineFailure
from server.streams import EngineStream, EngineStreams

NOBODY_ASKS = cast(Strategy, None)


class RecordingEngine:
    def __init__(self) -> None:
        self.submitted: list[EngineRequest] = []
        self.cancelled: list[int] = []

    def submit(self, request: EngineRequest) -> None:
        self.submitted.append(request)

    def cancel(self, request_id: int) -> None:
        self.cancelled.append(request_id)


class Harness:
    def __init__(self) -> None:
        self.engine = RecordingEngine()
        self.streams = EngineStreams()
        self.streams.connect(self.engine)
        self.deliver = self.streams.deliver_to(asyncio.get_running_loop())

    def open(self, *, requests: int = 1, terms: Terms | None = None) -> EngineStream:
        stream = self.streams.open(terms or Terms())
        for _ in range(requests):
            stream.submit([5, 1], NOBODY_ASKS)
        return stream


def finished(request_id: int) -> Finished:
    return Finished(request_id, [], 1, DraftCount(), Stamps(0, 0, 0, 0))


async def test_events_reach_the_stream_of_their_job() -> None:
    harness = Harness()
    first, second = harness.open(requests=2), harness.open()
    harness.deliver([Written(2, [11]), Written(0, [10]), finished(1), finished(2)])
    assert [await first.next(), await first.next()] == [Written(0, [10]), finished(1)]
    assert [await second.next(), await second.next()] == [Written(2, [11]), finished(2)]


async def test_all_requests_of_a_job_have_the_terms_that_its_caller_may_change() -> None:
    harness = Harness()
    terms = Terms()
    harness.open(requests=2, terms=terms)
    terms.deadline_s, terms.wants_tokens = 12.5, True
    assert [each.terms for each in harness.engine.submitted] == [Terms(12.5, True)] * 2


async def test_closing_cancels_all_requests_and_drops_their_events() -> None:
    harness = Harness()
    stream = harness.open(requests=2)
    assert len(harness.streams) == 2
    stream.close()
    harness.deliver([Written(0, [10]), finished(1)])
    await asyncio.sleep(0)
    assert harness.engine.cancelled == [0, 1]
    assert len(harness.streams) == 0


async def test_a_wait_that_is_cancelled_loses_no_event() -> None:
    harness = Harness()
    stream = harness.open()
    task = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    harness.deliver([Written(0, [10])])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(30):
        assert await stream.next() == Written(0, [10])


async def test_a_wait_can_be_interrupted() -> None:
    stream = Harness().open()
    task = asyncio.create_task(stream.next())
    await asyncio.sleep(0)
    stream.interrupt(EngineFailure("stopped"))
    async with asyncio.timeout(30):
        assert (await task).request_id == 0


def test_delivering_to_a_loop_that_is_closed_is_no_error() -> None:
    loop = asyncio.new_event_loop()
    deliver = EngineStreams().deliver_to(loop)
    loop.close()
    deliver([Written(0, [10])])

"""The event loop's side of the engine, over an engine that only takes notes."""

import asyncio
from typing import cast

import pytest

from server.decoding.strategy import DraftCount, Strategy
from server.engine.request import EngineRequest, Finished, Written
from server.streams import EngineStreams


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

    def open(self):  # type: ignore[no-untyped-def]
        return self.streams.open(
            source_ids=[5, 1],
            strategy=cast(Strategy, None),  # nobody here asks it anything
            deadline_s=None,
            wants_tokens=True,
        )


def finished(request_id: int) -> Finished:
    return Finished(request_id, [], 1, DraftCount(), queue_s=0, encode_s=0, decode_s=0)


async def test_events_reach_their_own_request_and_end_with_the_last() -> None:
    harness = Harness()
    async with harness.open() as first, harness.open() as second:
        harness.deliver([Written(1, [11]), Written(0, [10]), finished(0), finished(1)])
        assert [event async for event in first] == [Written(0, [10]), finished(0)]
        assert [event async for event in second] == [Written(1, [11]), finished(1)]
    assert harness.streams.num_open == 0


async def test_new_terms_reach_the_request_that_the_engine_has() -> None:
    harness = Harness()
    async with harness.open() as stream:
        stream.change_terms(12.5, False)
        (request,) = harness.engine.submitted
        assert (request.deadline_s, request.wants_tokens) == (12.5, False)


async def test_leaving_early_cancels_the_request_and_forgets_it() -> None:
    harness = Harness()
    async with harness.open():
        assert harness.engine.cancelled == []
        assert harness.streams.num_open == 1
    assert harness.engine.cancelled == [0]
    assert harness.streams.num_open == 0


async def test_cancelling_whoever_waits_cancels_the_request() -> None:
    harness = Harness()

    async def wait() -> None:
        async with harness.open() as events:
            async for _ in events:
                pass

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert harness.engine.cancelled == [0]
    assert harness.streams.num_open == 0


async def test_events_of_a_request_that_was_left_are_dropped() -> None:
    harness = Harness()
    async with harness.open():
        pass
    harness.deliver([Written(0, [10]), finished(0)])
    await asyncio.sleep(0)
    assert harness.streams.num_open == 0


def test_delivering_to_a_loop_that_is_closed_is_no_error() -> None:
    loop = asyncio.new_event_loop()
    deliver = EngineStreams().deliver_to(loop)
    loop.close()
    deliver([Written(0, [10])])

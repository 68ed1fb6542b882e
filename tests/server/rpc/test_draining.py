"""Going away: nobody new, those inside in peace, and then no mercy."""

import asyncio

import grpc
import pytest

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from precis_client.stubs.summarizer.v1 import summarizer_pb2_grpc
from server.errors import Draining
from server.rpc.open_calls import OpenCalls
from tests.server.rpc.fakes import Held, RunningServer, serve_fake

# Never waited for in full.
LONG_S = 60.0


async def test_a_call_that_comes_too_late_is_sent_elsewhere(server: RunningServer) -> None:
    server.open_calls.close()

    for method in ("Summarize", "SummarizeStream"):
        call = getattr(server.stub, method)(pb.SummarizeRequest(document="Text."))
        assert await call.code() is grpc.StatusCode.UNAVAILABLE
    assert server.fake.requests == []


async def test_a_call_that_runs_may_finish(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.Summarize(pb.SummarizeRequest(document="slow"))
    waiting = asyncio.create_task(_until_summary(call))
    await server.fake.until_running(1)

    server.open_calls.close()
    server.fake.let_go.set()

    assert await server.open_calls.wait_until_none(LONG_S)
    assert await waiting == "A short summary."


@pytest.mark.parametrize("method", ["Summarize", "SummarizeStream"])
async def test_a_call_that_takes_too_long_is_sent_elsewhere(
    server: RunningServer, method: str
) -> None:
    server.fake.script["slow"] = Held()
    call = getattr(server.stub, method)(pb.SummarizeRequest(document="slow"))
    await server.fake.until_running(1)
    server.open_calls.close()

    assert not await server.open_calls.wait_until_none(0.0)
    server.open_calls.evict()

    assert await call.code() is grpc.StatusCode.UNAVAILABLE
    assert await server.open_calls.wait_until_none(LONG_S)
    assert server.fake.num_running == 0


async def test_an_idle_batch_does_not_hold_up_the_end(server: RunningServer) -> None:
    call = server.stub.SummarizeBatch()
    await call.wait_for_connection()
    await _until_open(server.open_calls, 1)

    server.open_calls.close()

    assert await server.open_calls.wait_until_none(LONG_S)
    assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_batch_that_takes_too_long_is_sent_elsewhere(server: RunningServer) -> None:
    server.fake.script["slow"] = Held()
    call = server.stub.SummarizeBatch()
    request = pb.SummarizeRequest(document="slow")
    await call.write(pb.SummarizeBatchRequest(item_id="a", request=request))
    await server.fake.until_running(1)
    server.open_calls.close()

    server.open_calls.evict()

    assert await call.code() is grpc.StatusCode.UNAVAILABLE
    assert server.fake.num_running == 0


async def test_calls_about_models_are_refused_too(server: RunningServer) -> None:
    server.open_calls.close()

    call = server.stub.ListModels(pb.ListModelsRequest())

    assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_caller_who_knows_another_server_goes_there_while_this_one_finishes(
    server: RunningServer,
) -> None:
    server.fake.script["slow"] = Held()
    async with serve_fake() as other:
        addresses = f"ipv4:127.0.0.1:{server.rpc.port},127.0.0.1:{other.rpc.port}"
        # Without gRPC's own retries, which could hide a refusal.
        options = [("grpc.enable_retries", 0)]
        async with grpc.aio.insecure_channel(addresses, options) as channel:
            stub = summarizer_pb2_grpc.SummarizerStub(channel)
            running = stub.Summarize(pb.SummarizeRequest(document="slow"))
            await server.fake.until_running(1)

            server.open_calls.close()
            server.rpc.turn_away(LONG_S)
            await _until_moved(channel)
            answer = await stub.Summarize(pb.SummarizeRequest(document="Text."))
            server.fake.let_go.set()
            finished = await running

    assert answer.summary == finished.summary == "A short summary."
    assert len(server.fake.requests) == len(other.fake.requests) == 1


async def test_calls_under_way_when_the_server_drains_are_sent_elsewhere_before_grpc_stops(
    server: RunningServer,
) -> None:
    async with grpc.aio.insecure_channel(
        f"127.0.0.1:{server.rpc.port}", [("grpc.enable_retries", 0)]
    ) as channel:
        stub = summarizer_pb2_grpc.SummarizerStub(channel)
        await channel.channel_ready()
        server.open_calls.close()
        calls = [stub.ListModels(pb.ListModelsRequest()) for _ in range(20)]

        await server.open_calls.wait_until_nobody_comes(quiet_s=0.5, limit_s=LONG_S)
        server.rpc.turn_away(LONG_S)

        # gRPC itself would say CANCELLED to those that it has not handed over.
        assert {await call.code() for call in calls} == {grpc.StatusCode.UNAVAILABLE}


async def test_waiting_until_nobody_comes_has_an_end_though_somebody_always_comes() -> None:
    open_calls = OpenCalls()
    open_calls.close()

    async def come() -> None:
        while True:
            with pytest.raises(Draining), open_calls.admit():
                pass
            await asyncio.sleep(0)

    coming = asyncio.create_task(come())
    await open_calls.wait_until_nobody_comes(quiet_s=0.01, limit_s=0.05)
    coming.cancel()


async def test_nobody_open_is_nobody_to_wait_for() -> None:
    assert await OpenCalls().wait_until_none(0.0)


async def test_a_caller_who_leaves_by_himself_is_not_taken_for_evicted() -> None:
    open_calls = OpenCalls()
    inside = asyncio.Event()

    async def call() -> None:
        with open_calls.admit():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(call())
    await inside.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(open_calls) == 0


async def test_what_is_to_be_called_at_the_close_is_called_though_it_comes_late() -> None:
    open_calls = OpenCalls()
    called: list[str] = []
    with open_calls.calling_on_close(lambda: called.append("over")):
        pass
    with open_calls.calling_on_close(lambda: called.append("in time")):
        open_calls.close()
    with open_calls.calling_on_close(lambda: called.append("late")):
        pass

    assert called == ["in time", "late"]
    with pytest.raises(Draining), open_calls.admit():
        pass


async def _until_summary(call: grpc.aio.UnaryUnaryCall) -> str:
    return (await call).summary


async def _until_moved(channel: grpc.aio.Channel) -> None:
    """Waits until the channel has noticed that it must connect anew."""
    async with asyncio.timeout(LONG_S):
        while channel.get_state() is (ready := grpc.ChannelConnectivity.READY):
            await channel.wait_for_state_change(ready)


async def _until_open(open_calls: OpenCalls, count: int) -> None:
    while len(open_calls) < count:
        await asyncio.sleep(0)

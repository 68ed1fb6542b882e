"""grpc.health.v1, over a real connection."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.server.rpc.fakes import RunningServer

Status = health_pb2.HealthCheckResponse
SERVICES = pytest.mark.parametrize("service", ["", "summarizer.v1.Summarizer"])


def request(service: str = "") -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=service)


@SERVICES
async def test_nothing_is_served_until_the_server_is_ready(
    server: RunningServer, service: str
) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)

    before = (await stub.Check(request(service))).status
    server.rpc.health.set_serving(True)
    ready = (await stub.Check(request(service))).status
    server.rpc.health.set_serving(False)
    draining = (await stub.Check(request(service))).status

    assert [before, ready, draining] == [Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]


async def test_a_service_that_is_not_here_is_not_found(server: RunningServer) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health_pb2_grpc.HealthStub(server.channel).Check(request("other"))

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@SERVICES
async def test_a_watcher_hears_of_every_change(server: RunningServer, service: str) -> None:
    watch = health_pb2_grpc.HealthStub(server.channel).Watch(request(service))

    assert (await watch.read()).status == Status.NOT_SERVING
    server.rpc.health.set_serving(True)
    assert (await watch.read()).status == Status.SERVING
    server.rpc.health.set_serving(False)
    assert (await watch.read()).status == Status.NOT_SERVING


async def test_a_watcher_of_an_unknown_service_is_told_so_and_kept(server: RunningServer) -> None:
    watch = health_pb2_grpc.HealthStub(server.channel).Watch(request("other"))

    assert (await watch.read()).status == Status.SERVICE_UNKNOWN
    assert not watch.done()


async def test_one_watchers_leaving_makes_no_other_deaf(server: RunningServer) -> None:
    stub = health_pb2_grpc.HealthStub(server.channel)
    leaver, stayer = stub.Watch(request()), stub.Watch(request())
    await leaver.read()
    await stayer.read()

    leaver.cancel()
    # One more call over the same connection, so that the cancellation has arrived.
    await stub.Check(request())
    server.rpc.health.set_serving(True)

    assert (await stayer.read()).status == Status.SERVING


async def test_a_watch_ends_when_the_server_stops(server: RunningServer) -> None:
    watch = health_pb2_grpc.HealthStub(server.channel).Watch(request())
    await watch.read()

    server.rpc.health.close()

    assert await watch.read() is grpc.aio.EOF
    assert await watch.code() is grpc.StatusCode.OK

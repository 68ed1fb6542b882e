"""A service beside the summariser: all that is done round a call is done round its calls too."""

import asyncio
import io
import time
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from server.errors import InvalidRequest, Overloaded, Violation
from server.rpc.call import END_OF_STREAM, Context, Deadlines, current_call
from tests.server.rpc.fakes import RunningServer, lines, serve_fake

NAME = "made.up.v1.Parrot"
# Name, whether a stream comes in, whether a stream goes out.
CALLS = [
    ("Say", False, False),
    ("Repeat", False, True),
    ("Join", True, False),
    ("Talk", True, True),
]
EVERY_CALL = pytest.mark.parametrize("rpc", [name for name, *_ in CALLS])


def described() -> Any:
    """A service without stubs, whose messages are strings in protobuf's own wrapper."""
    pool = DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="made/up/v1/parrot.proto",
        package="made.up.v1",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    service = file.service.add(name="Parrot")
    for name, streams_in, streams_out in CALLS:
        service.method.add(
            name=name,
            input_type=".google.protobuf.StringValue",
            output_type=".google.protobuf.StringValue",
            client_streaming=streams_in,
            server_streaming=streams_out,
        )
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(NAME)


class Parrot:
    """Gives back what it hears, or fails with what a test gave it."""

    descriptor = described()

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.deadline_s: float | None = None
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.is_asked = asyncio.Event()

    def register(self, server: grpc.aio.Server) -> None:
        coding = (StringValue.FromString, StringValue.SerializeToString)
        handlers = {
            "Say": grpc.unary_unary_rpc_method_handler(self.say, *coding),
            "Repeat": grpc.unary_stream_rpc_method_handler(self.repeat, *coding),
            "Join": grpc.stream_unary_rpc_method_handler(self.join, *coding),
            "Talk": grpc.stream_stream_rpc_method_handler(self.talk, *coding),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))

    async def say(self, message: StringValue, _: Context) -> StringValue:
        return await self._hear(message.value)

    async def repeat(self, message: StringValue, context: Context) -> None:
        await context.write(await self._hear(message.value))

    async def join(self, _: object, context: Context) -> StringValue:
        return await self._hear(await self._read(context))

    async def talk(self, _: object, context: Context) -> None:
        await context.write(await self._hear(await self._read(context)))

    async def _read(self, context: Context) -> str:
        heard = ""
        while (message := await context.read()) is not END_OF_STREAM:
            heard += message.value
        return heard

    async def _hear(self, text: str) -> StringValue:
        self.deadline_s = current_call.get().deadline_s()
        self.is_asked.set()
        await self.let_go.wait()
        if self.error is not None:
            raise self.error
        return StringValue(value=text)


async def ask(server: RunningServer, rpc: str, text: str = "Hello.", **options: Any) -> Any:
    """Makes a call, and gives its one answer, its trailing metadata and its code."""
    streams_in, streams_out = next(ways for name, *ways in CALLS if name == rpc)
    kind = f"{'stream' if streams_in else 'unary'}_{'stream' if streams_out else 'unary'}"
    method = getattr(server.channel, kind)(
        f"/{NAME}/{rpc}", StringValue.SerializeToString, StringValue.FromString
    )
    message = StringValue(value=text)
    call = method(iter([message]) if streams_in else message, **options)
    answer = None
    try:
        if streams_out:
            (answer,) = [each async for each in call]
        else:
            answer = await call
    except grpc.aio.AioRpcError:
        pass
    return answer, dict(await call.trailing_metadata()), await call.code()


@EVERY_CALL
async def test_a_call_is_answered_with_its_id_and_logged_and_counted(
    rpc: str, log: io.StringIO
) -> None:
    async with serve_fake(services=[Parrot()]) as server:
        answer, trailing, _ = await ask(server, rpc, metadata=(("x-request-id", "r-1"),))
        counted = server.sample("precis_requests_total", service=NAME, rpc=rpc, code="OK")
        in_flight = server.sample("precis_requests_in_flight", service=NAME, rpc=rpc)

    assert answer.value == "Hello."
    assert trailing["x-request-id"] == "r-1"
    (line,) = lines(log, "call ended")
    assert (line["service"], line["rpc"], line["request_id"]) == (NAME, rpc, "r-1")
    assert (counted, in_flight) == (1, 0)


@EVERY_CALL
async def test_an_error_becomes_the_status_that_belongs_to_it(rpc: str, log: io.StringIO) -> None:
    parrot = Parrot()
    parrot.error = Overloaded("full", quota="documents", retry_after_s=2.0)
    async with serve_fake(services=[parrot]) as server:
        _, trailing, code = await ask(server, rpc, timeout=60)

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert trailing["grpc-retry-pushback-ms"] == "2000"
    assert b"OVERLOADED" in trailing["grpc-status-details-bin"]
    (line,) = lines(log, "call ended")
    assert (line["code"], line["reason"]) == ("RESOURCE_EXHAUSTED", "OVERLOADED")


async def test_a_fault_of_ours_is_told_to_the_log_alone(log: io.StringIO) -> None:
    parrot = Parrot()
    parrot.error = ValueError("secret")
    async with serve_fake(services=[parrot]) as server:
        _, trailing, code = await ask(server, "Say")

    assert code is grpc.StatusCode.INTERNAL
    assert b"secret" not in trailing["grpc-status-details-bin"]
    assert len(lines(log, "request failed")) == 1


async def test_refused_fields_are_named() -> None:
    parrot = Parrot()
    parrot.error = InvalidRequest(Violation("value", "is not for parrots"))
    async with serve_fake(services=[parrot]) as server:
        _, trailing, code = await ask(server, "Join")

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert b"is not for parrots" in trailing["grpc-status-details-bin"]


@pytest.mark.parametrize("rpc", ["Say", "Repeat"])
async def test_a_message_over_the_limit_is_refused_with_its_size(rpc: str) -> None:
    async with serve_fake(services=[Parrot()], max_message_bytes=2000) as server:
        _, trailing, code = await ask(server, rpc, "x" * 3000)

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert b"has 3003 bytes, at most 2000 are taken" in trailing["grpc-status-details-bin"]


@EVERY_CALL
async def test_a_message_that_cannot_be_parsed_is_refused(rpc: str) -> None:
    async with serve_fake(services=[Parrot()]) as server:
        streams_in, streams_out = next(ways for name, *ways in CALLS if name == rpc)
        kind = f"{'stream' if streams_in else 'unary'}_{'stream' if streams_out else 'unary'}"
        cut_off = b"\x0a\x05ab"
        call = getattr(server.channel, kind)(f"/{NAME}/{rpc}")(
            iter([cut_off]) if streams_in else cut_off
        )
        code = await call.code()

    assert code is grpc.StatusCode.INVALID_ARGUMENT


@EVERY_CALL
async def test_a_call_knows_by_when_it_is_to_be_done(rpc: str) -> None:
    parrot = Parrot()
    async with serve_fake(services=[parrot], deadlines=Deadlines(default_s=100.0)) as server:
        before_s = time.monotonic()
        await ask(server, rpc)

    assert parrot.deadline_s is not None
    assert before_s + 100.0 < parrot.deadline_s < time.monotonic() + 100.0


@EVERY_CALL
async def test_a_server_that_drains_sends_new_calls_elsewhere(rpc: str) -> None:
    parrot = Parrot()
    async with serve_fake(services=[parrot]) as server:
        server.open_calls.close()
        _, trailing, code = await ask(server, rpc)

    assert code is grpc.StatusCode.UNAVAILABLE
    assert b"DRAINING" in trailing["grpc-status-details-bin"]
    assert not parrot.is_asked.is_set()


async def test_draining_waits_for_a_call_that_runs() -> None:
    parrot = Parrot()
    parrot.let_go.clear()
    async with serve_fake(services=[parrot]) as server:
        asking = asyncio.create_task(ask(server, "Join"))
        await parrot.is_asked.wait()
        server.open_calls.close()
        assert not await server.open_calls.wait_until_none(0.0)
        parrot.let_go.set()

        assert await server.open_calls.wait_until_none(60.0)
        answer, *_ = await asking

    assert answer.value == "Hello."


async def test_its_health_is_told_with_the_servers() -> None:
    async with serve_fake(services=[Parrot()]) as server:
        check = health_pb2_grpc.HealthStub(server.channel).Check
        before = await check(health_pb2.HealthCheckRequest(service=NAME))
        server.rpc.health.set_serving(True)
        after = await check(health_pb2.HealthCheckRequest(service=NAME))

    assert before.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert after.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_and_describes_it() -> None:
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services="*"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"{NAME}.Join"),
    ]
    async with serve_fake(services=[Parrot()]) as server:
        stub = ServerReflectionStub(server.channel)
        listed, file = [each async for each in stub.ServerReflectionInfo(iter(questions))]

    assert {each.name for each in listed.list_services_response.service} == {
        NAME,
        "summarizer.v1.Summarizer",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    first, second = file.file_descriptor_response.file_descriptor_proto
    assert b"Parrot" in first
    assert b"google/protobuf/wrappers.proto" in second

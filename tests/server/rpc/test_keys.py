"""Keys, over a real connection: who is let in, what is said to others, and what the log tells."""

import io
import os
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from server.keys.key_file import KeyFileError, add_key
from server.keys.known_keys import KnownKeys
from tests.server.rpc.fakes import RunningServer, lines, serve_fake

REQUEST = pb.SummarizeRequest(document="Text.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def bearing(key: str) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {key}"),)}


async def code_of(server: RunningServer, key: str) -> grpc.StatusCode:
    return await server.stub.Summarize(REQUEST, **bearing(key)).code()


async def reason_of(call: Any) -> str:
    """The reason of a refused call."""
    metadata = dict(await call.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return info.reason


def replace(path: Path, text: str) -> None:
    """Puts another file in the place of this one, as an operator's tools do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


@pytest.mark.parametrize("method", ["Summarize", "SummarizeStream", "SummarizeBatch", "GetModel"])
@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ((), "MISSING_KEY"),
        ((("authorization", ""),), "MISSING_KEY"),
        ((("authorization", "Bearer "),), "MISSING_KEY"),
        ((("authorization", "Basic cHJlY2lz"),), "MISSING_KEY"),
        ((("authorization", "Bearer wrong"),), "UNKNOWN_KEY"),
    ],
)
async def test_a_call_without_a_known_key_is_refused(
    path: Path, method: str, metadata: Any, reason: str
) -> None:
    add_key(path, "a")
    async with serve_fake(keys=KnownKeys(path)) as server:
        asked = pb.GetModelRequest() if method == "GetModel" else REQUEST
        call = getattr(server.stub, method)(
            iter([]) if method == "SummarizeBatch" else asked, metadata=metadata
        )

        assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
        assert await reason_of(call) == reason
        assert server.fake.requests == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_call_with_a_known_key_is_answered_without_a_warning(
    path: Path, scheme: str
) -> None:
    key = add_key(path, "a")
    async with serve_fake(keys=KnownKeys(path)) as server:
        call = server.stub.Summarize(REQUEST, metadata=(("authorization", f"{scheme} {key}"),))

        assert (await call).summary == "A short summary."
        assert "x-precis-warning" not in dict(await call.trailing_metadata())


async def test_log_and_metrics_name_a_caller_by_its_label_and_never_by_its_key(
    path: Path, log: io.StringIO
) -> None:
    key = add_key(path, "nightly")
    async with serve_fake(keys=KnownKeys(path)) as server:
        await code_of(server, key)
        await code_of(server, "wrong-key")

        assert server.sample("precis_requests_by_key_total", key="nightly", code="OK") == 1
        assert server.sample("precis_request_failures_total", reason="UNKNOWN_KEY") == 1
    known, unknown = lines(log, "call ended")
    assert (known["key"], known["code"]) == ("nightly", "OK")
    assert "key" not in unknown
    assert (unknown["code"], unknown["reason"]) == ("UNAUTHENTICATED", "UNKNOWN_KEY")
    assert key not in log.getvalue()
    assert "wrong-key" not in log.getvalue()


async def test_health_and_reflection_ask_for_no_key(path: Path) -> None:
    add_key(path, "a")
    async with serve_fake(keys=KnownKeys(path)) as server:
        checked = await health_pb2_grpc.HealthStub(server.channel).Check(
            health_pb2.HealthCheckRequest()
        )
        question = reflection_pb2.ServerReflectionRequest(list_services="*")
        stub = ServerReflectionStub(server.channel)
        (answer,) = [each async for each in stub.ServerReflectionInfo(iter([question]))]

    assert checked.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert answer.list_services_response.service


async def test_a_key_added_or_taken_away_counts_from_the_next_call(path: Path) -> None:
    first = add_key(path, "a")
    async with serve_fake(keys=KnownKeys(path)) as server:
        second = add_key(path, "b")
        assert await code_of(server, second) is grpc.StatusCode.OK

        replace(path, "\n".join(path.read_text().splitlines()[1:]))
        assert await code_of(server, first) is grpc.StatusCode.UNAUTHENTICATED
        assert await code_of(server, second) is grpc.StatusCode.OK


@pytest.mark.parametrize("fault", ["broken", "absent"])
async def test_a_file_that_becomes_bad_leaves_the_keys_and_is_logged_once(
    path: Path, fault: str, log: io.StringIO
) -> None:
    key = add_key(path, "a")
    good = path.read_text()
    async with serve_fake(keys=KnownKeys(path)) as server:
        if fault == "broken":
            replace(path, "broken\n")
        else:
            path.unlink()
        codes = [await code_of(server, key) for _ in range(3)]
        replace(path, good)
        codes.append(await code_of(server, key))

    assert set(codes) == {grpc.StatusCode.OK}
    (line,) = lines(log, "the key file cannot be used, so the keys stay as they were")
    assert line["level"] == "error"
    assert str(path) in line["problem"]
    assert len(lines(log, "the key file was read again")) == 1


def test_a_file_that_is_bad_at_first_is_an_error(path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot read the key file"):
        KnownKeys(path)

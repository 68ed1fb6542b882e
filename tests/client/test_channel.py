"""How a client connects: retries, TLS and what every call carries."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from precis_client import AsyncClient, Client, Connection, Overloaded, Unavailable
from precis_client.channel import SERVICE_CONFIG
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb
from tests.fakes.scripted_summarizer import Refusal, ScriptedServer, serve_script
from tests.fakes.tls import CERTIFICATE, PRIVATE_KEY


@pytest.fixture
def tls_server() -> Iterator[ScriptedServer]:
    """Runs a scripted server that speaks TLS alone."""
    with serve_script(grpc.ssl_server_credentials([(PRIVATE_KEY, CERTIFICATE)])) as scripted:
        yield scripted


def options_of(connection: Connection) -> dict[str, Any]:
    return dict(connection.options())


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,  # by a server that stops
    ],
)
@pytest.mark.parametrize("document_bytes", [10, 1_000_000])
def test_what_may_succeed_later_is_sent_again_however_long_the_document(
    server: ScriptedServer, code: grpc.StatusCode, document_bytes: int
) -> None:
    server.summarizer.default = Refusal(code, times=2)

    with Client(server.address) as client:
        client.summarize("x" * document_bytes)

    attempts = [
        metadata.get("grpc-previous-rpc-attempts") for metadata in server.summarizer.metadata
    ]
    assert attempts == [None, "1", "2"]


def test_a_stream_is_sent_again_as_well(server: ScriptedServer) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.UNAVAILABLE, times=1)

    with Client(server.address) as client:
        assert list(client.stream("A document.")) == ["A short ", "summary."]


def test_after_four_attempts_the_client_gives_up(server: ScriptedServer) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after_s=1.5)

    with Client(server.address) as client, pytest.raises(Overloaded) as caught:
        client.summarize("A document.")

    assert caught.value.retry_after_s == 1.5
    assert len(server.summarizer.requests) == 4


def test_without_retries_there_is_one_attempt(server: ScriptedServer) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.UNAVAILABLE)

    with Client(server.address, retry=False) as client, pytest.raises(Unavailable):
        client.summarize("A document.")

    assert len(server.summarizer.requests) == 1


def test_other_refusals_are_final(server: ScriptedServer) -> None:
    server.summarizer.default = Refusal(grpc.StatusCode.INTERNAL)

    with Client(server.address) as client, pytest.raises(Exception, match="refused by script"):
        client.summarize("A document.")

    assert len(server.summarizer.requests) == 1


def test_a_burst_of_failures_does_not_end_the_retries(server: ScriptedServer) -> None:
    documents = [str(number) for number in range(20)]
    for document in documents:
        server.summarizer.script[document] = Refusal(grpc.StatusCode.UNAVAILABLE, times=2)

    with Client(server.address) as client, ThreadPoolExecutor(len(documents)) as threads:
        summaries = list(threads.map(client.summarize, documents))

    assert len(summaries) == 20


def test_health_checks_and_batches_are_left_out_of_the_retries() -> None:
    (method_config,) = SERVICE_CONFIG["methodConfig"]
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name["Summarizer"].methods}

    assert {each["service"] for each in method_config["name"]} == {"summarizer.v1.Summarizer"}
    assert {each["method"] for each in method_config["name"]} == methods - {"SummarizeBatch"}


def test_the_channel_is_told_of_keepalive_and_retries() -> None:
    options = options_of(Connection())

    assert options["grpc.keepalive_time_ms"] == 30_000
    assert options["grpc.keepalive_timeout_ms"] == 10_000
    assert options["grpc.enable_retries"] == 1
    assert json.loads(options["grpc.service_config"]) == SERVICE_CONFIG
    assert options_of(Connection(retry=False))["grpc.enable_retries"] == 0


def test_a_server_with_a_trusted_certificate_is_talked_to(tls_server: ScriptedServer) -> None:
    with Client(tls_server.address, root_certificates=CERTIFICATE) as client:
        assert client.summarize("A document.").summary == "A short summary."


async def test_so_it_is_by_the_other_client(tls_server: ScriptedServer) -> None:
    async with AsyncClient(tls_server.address, root_certificates=CERTIFICATE) as client:
        assert (await client.summarize("A document.")).summary == "A short summary."


def test_a_certificate_that_no_known_root_signed_is_refused(tls_server: ScriptedServer) -> None:
    with Client(tls_server.address, tls=True) as client, pytest.raises(Unavailable):
        client.summarize("A document.")

    assert tls_server.summarizer.requests == []


def test_secrets_do_not_show_when_a_connection_is_printed() -> None:
    shown = repr(Connection(token="s3cret", root_certificates=b"PEM"))  # noqa: S106  # opens nothing

    assert "s3cret" not in shown
    assert "PEM" not in shown

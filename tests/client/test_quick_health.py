"""The health check without gRPC's library: true only when the server says that it is serving."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import pytest

import precis_client
from precis_client.cli import main, quick_health
from precis_client.cli.quick_health import is_serving
from tests.fakes.scripted_summarizer import ScriptedServer, serve_script
from tests.fakes.tls import CERTIFICATE, PRIVATE_KEY
from tests.server.rpc.fakes import serve_fake

SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
RESET_STREAM = b"\0\0\x04\x03\0\0\0\0\x01" + b"\0\0\0\x08"
GO_AWAY = b"\0\0\x08\x07\0\0\0\0\0" + b"\0" * 8
HEADERS_THAT_END = b"\0\0\x01\x01\x05\0\0\0\x01" + b"\x88"
NOT_SERVING = b"\0\0\x07\0\0\0\0\0\x01" + b"\0\0\0\0\2\x08\2"
SERVING = b"\0\0\x07\0\0\0\0\0\x01" + b"\0\0\0\0\2\x08\1"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that sends these bytes to one caller and then waits until the caller leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                with suppress(ConnectionError):  # the caller may have heard enough
                    connection.sendall(answer)
                    while connection.recv(4096):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


async def test_the_real_server_is_serving_from_ready_until_it_drains() -> None:
    async with serve_fake(host="127.0.0.1") as server:
        before = await asyncio.to_thread(is_serving, server.rpc.address)
        server.rpc.health.set_serving(True)
        ready = await asyncio.to_thread(is_serving, server.rpc.address)
        server.rpc.health.set_serving(False)
        draining = await asyncio.to_thread(is_serving, server.rpc.address)

    assert (before, ready, draining) == (False, True, False)


def test_an_answer_is_found_behind_other_frames() -> None:
    with answering(SETTINGS * 3 + SERVING) as address:
        assert is_serving(address)


@pytest.mark.parametrize(
    "answer",
    [
        SETTINGS + NOT_SERVING,
        SETTINGS + HEADERS_THAT_END + SERVING,
        SETTINGS + RESET_STREAM + SERVING,
        SETTINGS + GO_AWAY + SERVING,
        SETTINGS * 100 + SERVING,
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + b" " * 2_000_000,
    ],
    ids=["not serving", "headers alone", "reset", "go away", "too many frames", "no HTTP/2"],
)
def test_any_other_answer_is_not_sure(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_health, "_TIMEOUT_S", 0.5)
    with answering(answer) as address:
        assert not is_serving(address)


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_health, "_TIMEOUT_S", 0.05)
    with answering(b"") as address:
        assert not is_serving(address)


def test_a_server_that_speaks_tls_is_not_sure() -> None:
    with serve_script(grpc.ssl_server_credentials([(PRIVATE_KEY, CERTIFICATE)])) as server:
        assert not is_serving(server.address)


@pytest.mark.parametrize(
    "address",
    ["", ":", "localhost", "localhost:", "localhost:99999", "unix:/run/x", f"{'x' * 200}:1", "é:1"],
)
def test_what_is_no_address_is_not_sure(address: str) -> None:
    assert not is_serving(address)


def test_nothing_listens_at_the_address(unused_address: str) -> None:
    assert not is_serving(unused_address)


def test_the_command_imports_neither_grpc_nor_its_own_parser(server: ScriptedServer) -> None:
    program = (
        "import sys; from precis_client.cli import main; code = main(['health'])\n"
        "print(code, {'grpc', 'google.protobuf', 'argparse', 'dataclasses'} & {*sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={
            "PYTHONPATH": str(Path(precis_client.__file__).parent.parent),
            "PRECIS_ADDRESS": server.address,
        },
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == "SERVING\n0 set()\n"


def test_what_is_not_sure_is_asked_again_and_told_by_the_whole_client(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.set_health("", is_serving=False)
    monkeypatch.setenv("PRECIS_ADDRESS", server.address)

    assert main(["health"]) == 1
    assert capsys.readouterr().out == "NOT_SERVING\n"

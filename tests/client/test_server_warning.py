"""A token that the real server does not check is not sent into nothing without a word."""

import asyncio
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from precis_client import AsyncClient, Client, ServerWarning
from tests.server.rpc.fakes import RunningServer, serve_fake

TOKEN = "s3cret"  # noqa: S105  # opens nothing
SAID = "the server says: authorization is not checked by this server"


@pytest.fixture
async def server() -> AsyncIterator[RunningServer]:
    async with serve_fake() as running:
        yield running


async def read_stream(client: AsyncClient) -> None:
    async for _ in client.stream("A document."):
        pass


async def read_batch(client: AsyncClient) -> None:
    async for _ in client.batch(["A document."]):
        pass


@pytest.mark.parametrize(
    "call",
    [
        lambda client: list(client.stream("A document.")),
        lambda client: list(client.batch(["A document."])),
        lambda client: client.summarize("A document."),
        lambda client: client.list_models(),
        lambda client: client.get_model(),
    ],
    ids=["stream", "batch", "summarize", "list_models", "get_model"],
)
async def test_every_call_with_a_token_warns(
    server: RunningServer, call: Callable[[Client], object]
) -> None:
    def with_token() -> None:
        with Client(server.rpc.address, token=TOKEN) as client:
            call(client)

    with pytest.warns(ServerWarning, match=SAID):
        await asyncio.to_thread(with_token)


@pytest.mark.parametrize(
    "call",
    [
        read_stream,
        read_batch,
        lambda client: client.summarize("A document."),
        lambda client: client.list_models(),
        lambda client: client.get_model(),
    ],
    ids=["stream", "batch", "summarize", "list_models", "get_model"],
)
async def test_so_does_every_call_of_the_other_client(
    server: RunningServer, call: Callable[[AsyncClient], Awaitable[object]]
) -> None:
    async with AsyncClient(server.rpc.address, token=TOKEN) as client:
        with pytest.warns(ServerWarning, match=SAID):
            await call(client)


async def test_without_a_token_nothing_is_said(server: RunningServer) -> None:
    async with AsyncClient(server.rpc.address) as client:
        with warnings.catch_warnings(record=True) as caught:
            await client.summarize("A document.")
            await read_stream(client)

    assert caught == []


async def test_a_program_shows_the_warning_once(server: RunningServer) -> None:
    program = (
        "from precis_client import Client\n"
        f"with Client({server.rpc.address!r}, token={TOKEN!r}) as client:\n"
        "    client.summarize('One.')\n"
        "    client.summarize('Two.')\n"
        "    client.list_models()\n"
    )
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stderr.count(SAID) == 1
    assert TOKEN not in ran.stderr

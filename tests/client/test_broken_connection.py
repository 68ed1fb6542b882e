"""A batch whose connection breaks in the middle ends with an error, in both clients."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from precis_client import AsyncClient, Client, Unavailable
from tests.fakes.scripted_summarizer import Hang, ScriptedServer

GENEROUS_S = 30


class Link:
    """Passes bytes between one client and the server, until it is cut: then nothing answers."""

    def __init__(self, server_address: str) -> None:
        host, _, port = server_address.rpartition(":")
        self._server = socket.create_connection((host, int(port)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = [self._server]
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            self._ends.append(client)
            self._threads.append(threading.Thread(target=self._pass, args=(self._server, client)))
            self._threads[-1].start()
            self._pass(client, self._server)

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while received := source.recv(65536):
                sink.sendall(received)

    def cut(self) -> None:
        """Does what the death of the server's machine or process does."""
        for end in [self._listener, *self._ends]:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(GENEROUS_S)


@pytest.fixture
def link(server: ScriptedServer) -> Iterator[Link]:
    """Leads to a server that takes documents and never answers."""
    server.summarizer.default = Hang()
    made = Link(server.address)
    yield made
    made.cut()


def wait_until(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@pytest.mark.parametrize("documents_go_on", [False, True])
def test_a_batch_whose_server_dies_is_unavailable(
    link: Link, server: ScriptedServer, documents_go_on: bool
) -> None:
    test_is_over = threading.Event()
    outcome: Future[object] = Future()

    def documents() -> Iterator[str]:
        yield from ["one", "two", "three"]
        if documents_go_on:
            test_is_over.wait(GENEROUS_S)

    def use() -> None:
        try:
            with Client(link.address) as client:
                outcome.set_result(list(client.batch(documents())))
        except Unavailable as error:
            outcome.set_exception(error)

    # A daemon: a call that waits for ever must fail the test and not keep the others from ending.
    threading.Thread(target=use, daemon=True).start()
    wait_until(lambda: server.summarizer.metadata)
    link.cut()

    try:
        with pytest.raises(Unavailable):
            outcome.result(GENEROUS_S)
    finally:
        test_is_over.set()


async def test_so_it_is_for_the_other_client(link: Link, server: ScriptedServer) -> None:
    async def use() -> None:
        async with AsyncClient(link.address) as client:
            async for _ in client.batch(["one", "two", "three"]):
                pass

    task = asyncio.create_task(use())
    await asyncio.to_thread(wait_until, lambda: server.summarizer.metadata)
    await asyncio.to_thread(link.cut)

    with pytest.raises(Unavailable):
        await asyncio.wait_for(task, GENEROUS_S)

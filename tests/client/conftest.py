"""What the tests of the client share."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from precis_client import Client
from tests.fakes.scripted_summarizer import ScriptedServer, serve_script


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Runs a server that answers by script."""
    with serve_script() as scripted:
        yield scripted


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[Client]:
    """Connects to the scripted server; refusals are not sent again, so that they cost no time."""
    with Client(server.address, retry=False) as connected:
        yield connected


@pytest.fixture
def article(tmp_path: Path) -> Path:
    """Writes a document to summarise."""
    path = tmp_path / "article.txt"
    path.write_text("A long article: 一篇长文。\n", "utf-8")
    return path


@pytest.fixture
def unused_address() -> Iterator[str]:
    """Finds an address where nothing listens, and keeps others from taking it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"

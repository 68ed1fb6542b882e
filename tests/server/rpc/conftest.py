"""What the tests of the wire share."""

import io
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from server.telemetry.logging import JsonFormatter
from tests.server.rpc.fakes import RunningServer, serve_fake


@pytest.fixture
async def server() -> AsyncIterator[RunningServer]:
    """Runs a server over a fake service."""
    async with serve_fake() as running:
        yield running


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Collects all that the server logs, at every level, as it would be written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)

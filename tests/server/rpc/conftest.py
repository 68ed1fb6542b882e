"""What the tests of the wire share."""

from collections.abc import AsyncIterator

import pytest

from tests.server.rpc.fakes import RunningServer, serve_fake


@pytest.fixture
async def server() -> AsyncIterator[RunningServer]:
    """Runs a server over a fake service."""
    async with serve_fake() as running:
        yield running

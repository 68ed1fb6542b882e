"""What the tests of sharing have in common."""

from collections.abc import AsyncIterator

import pytest

from tests.server.sharing.harness import Harness


@pytest.fixture
async def harness() -> AsyncIterator[Harness]:
    """A service without a cache, over a scripted engine."""
    harness = Harness()
    yield harness
    harness.service.close()


@pytest.fixture
async def caching() -> AsyncIterator[Harness]:
    """A service with a cache, over a scripted engine."""
    harness = Harness(cache_bytes=100_000, max_documents=2)
    yield harness
    harness.service.close()

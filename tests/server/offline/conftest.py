"""One engine for all tests of a file: to load it takes the longest."""

from collections.abc import Iterator

import pytest

from server.offline import OfflineEngine
from tests.bundle.conftest import DEFAULT_BUNDLE


@pytest.fixture(scope="module")
def engine() -> Iterator[OfflineEngine]:
    with OfflineEngine(DEFAULT_BUNDLE, threads=1, max_rows=3) as engine:
        yield engine

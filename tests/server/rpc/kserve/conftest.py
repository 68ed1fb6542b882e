"""What the tests of the Open Inference Protocol share."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.stubs.inference.inference_pb2_grpc import GRPCInferenceServiceStub
from tests.server.rpc.fakes import RunningServer, serve_fake


@pytest.fixture
async def server() -> AsyncIterator[RunningServer]:
    """Runs a server over a fake service, with both protocols."""
    async with serve_fake(kserve=True) as running:
        yield running


@pytest.fixture
def stub(server: RunningServer) -> Any:
    """The calls of the Open Inference Protocol."""
    return GRPCInferenceServiceStub(server.channel)

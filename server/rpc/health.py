"""The standard grpc.health.v1 service.

grpc_health has a servicer too. Ours differs where its Watch goes wrong: there one watcher's leaving
makes the others of the same service deaf, and one that does not read holds up every change.
"""

import asyncio
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from server.rpc.call import Context

_OVERALL = ""
_Status = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):
    """Whether the server takes requests: NOT_SERVING until told otherwise. For one event loop."""

    # Any, because its stub has another name for the type.
    descriptor: Any = health_pb2.DESCRIPTOR.services_by_name["Health"]

    def __init__(self) -> None:
        self._statuses: dict[str, Any] = {_OVERALL: _Status.NOT_SERVING}
        self._changed = asyncio.Event()
        self._is_closed = False

    def register(self, server: grpc.aio.Server) -> None:
        """Adds Check and Watch to a server."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)

    def add(self, service: str) -> None:
        """Answers for this service too, as for the whole server."""
        self._statuses[service] = self._statuses[_OVERALL]
        self._wake_watchers()

    @property
    def is_serving(self) -> bool:
        """Whether the server takes requests."""
        return bool(self._statuses[_OVERALL] == _Status.SERVING)

    def set_serving(self, is_serving: bool) -> None:
        """Says the same of every service; those who watch are told."""
        status = _Status.SERVING if is_serving else _Status.NOT_SERVING
        self._statuses = dict.fromkeys(self._statuses, status)
        self._wake_watchers()

    def close(self) -> None:
        """Ends every Watch, so that none of them holds up the server's stop."""
        self._is_closed = True
        self._wake_watchers()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """Answers for one service; an unknown one is NOT_FOUND."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return _Status(status=status)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Sends the status at once and then whenever it has changed."""
        told: Any = None
        while True:
            changed = self._changed
            status = self._statuses.get(request.service, _Status.SERVICE_UNKNOWN)
            if status != told:
                await context.write(_Status(status=status))
                told = status
            if self._is_closed:
                return
            await changed.wait()

    def _wake_watchers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

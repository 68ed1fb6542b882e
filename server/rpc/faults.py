"""Tells our own faults from a caller's mistakes and departures."""

import asyncio
import logging

from server.errors import EngineFailure, OutOfMemory, RequestError
from server.telemetry.logging import fields

_log = logging.getLogger(__name__)


def log_fault(error: BaseException, *, rpc: str, request_id: str) -> None:
    """Logs what is our fault, with its traceback; a caller's mistake has the line of its call."""
    if not isinstance(error, RequestError) or isinstance(error, EngineFailure | OutOfMemory):
        _log.error("request failed", exc_info=error, extra=fields(rpc=rpc, request_id=request_id))


def is_cancelled_from_outside() -> bool:
    """Whether the running task is being cancelled, and not just something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

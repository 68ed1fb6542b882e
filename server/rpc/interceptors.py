"""What is done round every call, one class for each concern, in the order of `concerns`."""

import asyncio
import logging
from functools import partial
from typing import Any

import grpc
import grpc.aio

from server.errors import MissingKey, UnknownKey
from server.keys.known_keys import KnownKeys
from server.rpc.call import (
    AUTHORIZATION_KEY,
    REQUEST_ID_KEY,
    WARNING_KEY,
    Call,
    Context,
    Deadlines,
)
from server.rpc.chain import Concern, Proceed
from server.rpc.faults import is_cancelled_from_outside, log_fault
from server.rpc.open_calls import OpenCalls
from server.rpc.status import Failure, explain, trailing_metadata
from server.telemetry.logging import fields
from server.telemetry.metrics import Metrics

_log = logging.getLogger(__name__)

# A client gives up a little before the server's own count reaches 0.
_DEADLINE_SLACK_S = 0.1
_BEARER = "bearer"


def concerns(
    open_calls: OpenCalls, metrics: Metrics, deadlines: Deadlines, keys: KnownKeys | None
) -> tuple[Concern, ...]:
    """All of them, outermost first."""
    return (
        RequestIdentity(),
        *([UncheckedToken()] if keys is None else []),
        StatusSender(),
        AccessLog(),
        CallMetrics(metrics),
        ErrorMap(),
        *([KeyCheck(keys)] if keys is not None else []),
        Admission(open_calls),
        TimeLimit(deadlines),
    )


class RequestIdentity:
    """Gives the call the id that its caller sent, or one of ours, and sends it back."""

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Sets the id before the call and echoes it after; StatusSender does so on failures."""
        for key, value in context.invocation_metadata() or ():
            if key == REQUEST_ID_KEY and isinstance(value, str):
                call.adopt_request_id(value)
        answer = await proceed()
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id), *call.trailing.items()))
        return answer


class UncheckedToken:
    """Says that a token is not checked, to callers that send one and once in the log.

    On a server without keys, whoever sends a token must not think that it protects anything.
    """

    TEXT = "authorization is not checked by this server"

    def __init__(self) -> None:
        self._is_logged = False

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Puts the warning into the trailing metadata, so that the call can still be retried."""
        if any(key == AUTHORIZATION_KEY for key, _ in context.invocation_metadata() or ()):
            call.trailing[WARNING_KEY] = self.TEXT
            if not self._is_logged:
                self._is_logged = True
                _log.warning(self.TEXT, extra=fields(peer=context.peer()))
        return await proceed()


class CallFailed(Exception):
    """On its way from ErrorMap to StatusSender: how the call is to end."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.reason)


class StatusSender:
    """Tells the caller of a failure: last, when everybody else knows."""

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Ends a failed call with its status."""
        try:
            return await proceed()
        except CallFailed as error:
            failure = error.failure
            metadata = trailing_metadata(failure, call.request_id, context.time_remaining())
            await context.abort(failure.code, failure.message, metadata)


class AccessLog:
    """Writes one line for each call, without any text of it."""

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Logs once the call is over, however it ended."""
        try:
            return await proceed()
        finally:
            _log.info(
                "call ended",
                extra=fields(
                    service=call.service,
                    rpc=call.rpc,
                    code=call.code.name,
                    reason=call.reason or None,
                    request_id=call.request_id,
                    seconds=round(call.age_s, 4),
                    peer=context.peer(),
                    key=call.key or None,
                    **call.notes,
                ),
            )


class CallMetrics:
    """Counts calls by what became of them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Counts the call in and out."""
        self._metrics.call_started(call.service, call.rpc)
        try:
            return await proceed()
        finally:
            self._metrics.call_ended(
                call.service,
                call.rpc,
                code=call.code.name,
                reason=call.reason,
                seconds=call.age_s,
                key=call.key,
            )


class ErrorMap:
    """Finds the status that belongs to an error."""

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Lets a result and a caller's own going pass; all else becomes CallFailed."""
        try:
            return await proceed()
        except asyncio.CancelledError as error:
            if is_cancelled_from_outside():
                self._note_departure(call, context)
                raise
            # Something inside was cancelled: gRPC would think the caller gone and never answer.
            raise self._failed(call, error) from error
        except grpc.aio.BaseError:
            # The connection is gone; there is nobody to tell.
            self._note_departure(call, context)
            raise
        except Exception as error:
            raise self._failed(call, error) from error

    def _failed(self, call: Call, error: BaseException) -> CallFailed:
        failure = explain(error)
        call.code, call.reason = failure.code, failure.reason
        call.notes |= failure.facts
        log_fault(error, request_id=call.request_id, rpc=call.rpc)
        return CallFailed(failure)

    def _note_departure(self, call: Call, context: Context) -> None:
        remaining_s: float | None = context.time_remaining()
        if remaining_s is not None and remaining_s < _DEADLINE_SLACK_S:
            call.code, call.reason = grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXPIRED"
        else:
            call.code, call.reason = grpc.StatusCode.CANCELLED, "CANCELLED"


class KeyCheck:
    """Lets a call in by its key, and notes the key's label: the key itself is told to nobody."""

    def __init__(self, keys: KnownKeys) -> None:
        self._keys = keys

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Goes on with a known key; raises MissingKey or UnknownKey without."""
        label = self._keys.label_of(_bearer_of(context))
        if label is None:
            raise UnknownKey
        call.key = label
        return await proceed()


def _bearer_of(context: Context) -> str:
    for name, value in context.invocation_metadata() or ():
        if name == AUTHORIZATION_KEY:
            scheme, _, key = str(value).partition(" ")
            if scheme.lower() == _BEARER and key.strip():
                return key.strip()
    raise MissingKey


class Admission:
    """Counts the call among the open ones, which draining waits for, or refuses it."""

    def __init__(self, open_calls: OpenCalls) -> None:
        self._open_calls = open_calls

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Goes on if admitted; raises Draining if not."""
        with self._open_calls.admit():
            return await proceed()


class TimeLimit:
    """Says how long the call may take, by what its caller and the operator say."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    async def around(self, call: Call, context: Context, proceed: Proceed) -> Any:
        """Leaves it to the call to ask, since each part of a long one has a time of its own."""
        call.deadline_s = partial(self._deadlines.of, context)
        return await proceed()

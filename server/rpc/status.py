"""Errors -> status codes: the one map from server.errors to what goes over the wire.

Every failure carries google.rpc.ErrorInfo; refused fields add BadRequest; overload adds RetryInfo
and QuotaFailure, and the metadata that makes a stock gRPC client wait as long. All of it travels in
HTTP/2 trailers, of which clients take 8 KiB by default, so texts are cut to a size.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from precis_client.stubs.summarizer.v1 import summarizer_pb2
from server import errors
from server.rpc.call import REQUEST_ID_KEY
from server.rpc.convert import to_duration

ERROR_DOMAIN = "precis.summarizer.v1"
RETRY_PUSHBACK_KEY = "grpc-retry-pushback-ms"

# Any negative number says so.
_DO_NOT_RETRY = "-1"
_MAX_MESSAGE_BYTES = 600
_MAX_DESCRIPTION_BYTES = 160
_MAX_VIOLATIONS = 16

_CODES: Mapping[type[Exception], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.MessageTooLarge: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotServed: grpc.StatusCode.UNIMPLEMENTED,
    errors.MissingKey: grpc.StatusCode.UNAUTHENTICATED,
    errors.UnknownKey: grpc.StatusCode.UNAUTHENTICATED,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.OutOfMemory: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Draining: grpc.StatusCode.UNAVAILABLE,
    errors.DeviceLost: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExpired: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.DeadlineTooShort: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.EngineFailure: grpc.StatusCode.INTERNAL,
}
_NUMBERED: Mapping[grpc.StatusCode, int] = {code: code.value[0] for code in grpc.StatusCode}

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """How a request ends without a summary, before it is put into either of its two wire forms."""

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[errors.Violation, ...] = ()
    retry_after_s: float | None = None
    # Which limit was met: its name and what is said of it.
    quota: tuple[str, str] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class Told(errors.RequestError):
    """A failure that a servicer has put into the words of its own protocol, and logged."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


def explain(error: BaseException) -> Failure:
    """Says how a request ends that met this error. Of an unforeseen one nothing is told."""
    if isinstance(error, Told):
        return error.failure
    if not isinstance(error, errors.RequestError):
        return Failure(
            grpc.StatusCode.INTERNAL,
            errors.RequestError.reason,
            "internal error; the server's log says more under this request's id",
        )
    code = _CODES.get(type(error), grpc.StatusCode.INTERNAL)
    message = _clip(str(error), _MAX_MESSAGE_BYTES)
    match error:
        case errors.InvalidRequest() | errors.NotServed():
            return Failure(code, error.reason, message, _clip_violations(error.violations))
        case errors.Overloaded():
            return Failure(
                code,
                error.reason,
                message,
                retry_after_s=error.retry_after_s,
                quota=(f"queue.{error.quota}", _clip(error.problem, _MAX_DESCRIPTION_BYTES)),
                facts={"quota": error.quota},
            )
        case errors.DeadlineTooShort():
            return Failure(
                code, error.reason, message, facts={"estimate_s": f"{error.estimate_s:.3f}"}
            )
        case errors.OutOfMemory():
            return Failure(code, error.reason, message, retry_after_s=error.retry_after_s)
        case errors.DeadlineExpired():
            return Failure(code, error.reason, message, facts={"stage": error.stage})
        case _:
            return Failure(code, error.reason, message)


def reworded(failure: Failure, message: str, violations: Iterable[errors.Violation]) -> Failure:
    """The same failure in other words, cut to size again."""
    return replace(
        failure,
        message=_clip(message, _MAX_MESSAGE_BYTES),
        violations=_clip_violations(tuple(violations)),
    )


def to_status(failure: Failure) -> status_pb2.Status:
    """Writes a failure as google.rpc.Status."""
    status = status_pb2.Status(code=_NUMBERED[failure.code], message=failure.message)
    for detail in _details(failure):
        status.details.add().Pack(detail)
    return status


def trailing_metadata(
    failure: Failure, request_id: str, remaining_s: float | None = None
) -> Metadata:
    """What a failed call ends with, beside code and message.

    A client whose deadline would pass while it waits is told not to: it would wait all the same,
    and hear DEADLINE_EXCEEDED in the end.
    """
    metadata: Metadata = (
        (REQUEST_ID_KEY, request_id),
        *rpc_status.to_status(to_status(failure)).trailing_metadata,
    )
    if failure.retry_after_s is None:
        return metadata
    if remaining_s is not None and failure.retry_after_s >= remaining_s:
        return (*metadata, (RETRY_PUSHBACK_KEY, _DO_NOT_RETRY))
    return (*metadata, (RETRY_PUSHBACK_KEY, str(math.ceil(failure.retry_after_s * 1000))))


def to_item_error(failure: Failure) -> summarizer_pb2.ItemError:
    """Writes a failure as the end of one item of a batch."""
    return summarizer_pb2.ItemError(
        code=_NUMBERED[failure.code],
        message=failure.message,
        reason=failure.reason,
        field_violations=[
            summarizer_pb2.FieldViolation(field=each.field, description=each.description)
            for each in failure.violations
        ],
        retry_delay=None if failure.retry_after_s is None else to_duration(failure.retry_after_s),
    )


def _details(failure: Failure) -> list[Message]:
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=failure.reason, domain=ERROR_DOMAIN, metadata=failure.facts
        )
    ]
    if failure.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=each.field, description=each.description
                    )
                    for each in failure.violations
                ]
            )
        )
    if failure.retry_after_s is not None:
        delay = to_duration(failure.retry_after_s)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if failure.quota is not None:
        subject, description = failure.quota
        violation = error_details_pb2.QuotaFailure.Violation(
            subject=subject, description=description
        )
        details.append(error_details_pb2.QuotaFailure(violations=[violation]))
    return details


def _clip_violations(violations: tuple[errors.Violation, ...]) -> tuple[errors.Violation, ...]:
    return tuple(
        errors.Violation(each.field, _clip(each.description, _MAX_DESCRIPTION_BYTES))
        for each in violations[:_MAX_VIOLATIONS]
    )


def _clip(text: str, max_bytes: int) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return text
    return encoded[: max_bytes - 3].decode("utf-8", "ignore") + "…"

"""Turns gRPC's errors, and the failed items of a batch, into this package's errors."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from precis_client import errors
from precis_client.stubs.summarizer.v1 import summarizer_pb2

_CLASS_OF_CODE: dict[grpc.StatusCode, type[errors.PrecisError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequest,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidRequest,
    grpc.StatusCode.UNIMPLEMENTED: errors.NotSupported,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.UNAUTHENTICATED: errors.AccessDenied,
    grpc.StatusCode.PERMISSION_DENIED: errors.AccessDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
    grpc.StatusCode.UNAVAILABLE: errors.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    grpc.StatusCode.CANCELLED: errors.Cancelled,
}
_CODE_OF_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


class _Violation(Protocol):
    """A violation as google.rpc and as ours spell it."""

    @property
    def field(self) -> str: ...
    @property
    def description(self) -> str: ...


@contextmanager
def our_errors(request_id: str = "") -> Iterator[None]:
    """Raises this package's error in place of gRPC's; `request_id` is the caller's own."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_from_rpc(error, request_id) from error


def error_from_rpc(error: grpc.RpcError, request_id: str = "") -> errors.PrecisError:
    """Reads a failed call. `request_id` is the caller's own, used where the server sent none."""
    code, message = error.code(), error.details() or ""
    metadata: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    violations: tuple[errors.FieldViolation, ...] = ()
    reason, retry_after_s = "", None
    for detail in _details(metadata.get("grpc-status-details-bin", b"")):
        if isinstance(detail, error_details_pb2.BadRequest):
            violations = _violations(detail.field_violations)
        elif isinstance(detail, error_details_pb2.ErrorInfo):
            reason = detail.reason
        else:
            retry_after_s = seconds(detail.retry_delay)
    return _class_of(code, message, reason)(
        message,
        code=code.name,
        reason=reason,
        request_id=metadata.get("x-request-id", request_id),
        field_violations=violations,
        retry_after_s=retry_after_s,
    )


def error_from_item(item: summarizer_pb2.ItemError, request_id: str) -> errors.PrecisError:
    """Reads the failure of one item of a batch."""
    code = _CODE_OF_NUMBER.get(item.code, grpc.StatusCode.UNKNOWN)
    return _class_of(code, item.message, item.reason)(
        item.message,
        code=code.name,
        reason=item.reason,
        request_id=request_id,
        field_violations=_violations(item.field_violations),
        retry_after_s=seconds(item.retry_delay) if item.HasField("retry_delay") else None,
    )


def _class_of(code: grpc.StatusCode, message: str, reason: str) -> type[errors.PrecisError]:
    # gRPC itself answers a message far beyond the limit with the code of an overload, where sending
    # again cannot help. A refusal by the server proper always carries a reason.
    is_refused_by_grpc = code is grpc.StatusCode.RESOURCE_EXHAUSTED and not reason
    if reason == "MESSAGE_TOO_LARGE" or (is_refused_by_grpc and "larger than max" in message):
        return errors.MessageTooLarge
    return _CLASS_OF_CODE.get(code, errors.InternalError)


def _details(serialized_status: bytes) -> Iterator[Any]:
    """Yields the details that this package knows. Mangled ones must not hide the error itself."""
    try:
        status = status_pb2.Status.FromString(serialized_status)
        for packed in status.details:
            for known in (
                error_details_pb2.BadRequest(),
                error_details_pb2.ErrorInfo(),
                error_details_pb2.RetryInfo(),
            ):
                if packed.Unpack(known):
                    yield known
    except DecodeError:
        return


def _violations(violations: Iterable[_Violation]) -> tuple[errors.FieldViolation, ...]:
    return tuple(errors.FieldViolation(each.field, each.description) for each in violations)


def seconds(duration: Duration) -> float:
    """Reads a duration; one that is not set is 0."""
    return duration.ToNanoseconds() / 1e9

"""What can go wrong, one class for each thing that a caller may do about it.

PrecisError                every failure that this package raises for a call
├── InvalidRequest         change the request: `field_violations` names each bad field and its limit
│   └── MessageTooLarge    the request is larger than the server takes in one message
├── NotSupported           this server does not serve an option that was asked for
├── NotFound               no such model, version or service
├── AccessDenied           the token is missing, wrong or not allowed to do this
├── Overloaded             too much work for the time: wait `retry_after_s`, then send again
├── Unavailable            nothing answers at the address, or the server is shutting down
├── DeadlineExceeded       no answer within `timeout_s`
├── Cancelled              the call was cancelled, here or by the server
└── InternalError          anything else: the server, or something between, has a fault
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A refused field: its path in the request, such as "options.max_tokens", and what is wrong."""

    field: str
    description: str


class PrecisError(Exception):
    """Any failure of a call. `str(error)` is the server's sentence for people.

    `code` is the gRPC status code's name, `reason` the server's machine-readable UPPER_SNAKE_CASE
    word for it (empty when the failure did not come from the server), `request_id` the id to look
    for in the server's logs.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "UNKNOWN",
        reason: str = "",
        request_id: str = "",
        field_violations: tuple[FieldViolation, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.request_id = request_id
        self.field_violations = field_violations
        self.retry_after_s = retry_after_s


class InvalidRequest(PrecisError):
    """The request is refused as it stands; `field_violations` says why, field by field."""


class MessageTooLarge(InvalidRequest):
    """The request is larger than the server takes in one message."""


class NotSupported(PrecisError):
    """The server does not serve this; `field_violations` names the options that are the cause."""


class NotFound(PrecisError):
    """There is no model, version or service of this name."""


class AccessDenied(PrecisError):
    """The token is missing, wrong, or not allowed to do this."""


class Overloaded(PrecisError):
    """The queue is full, or too long for `timeout_s`.

    `retry_after_s` is how long to wait, where the server said it.
    """


class Unavailable(PrecisError):
    """Nothing answers at the address, or the server is starting or shutting down."""


class DeadlineExceeded(PrecisError):
    """There was no answer within the time allowed."""


class Cancelled(PrecisError):
    """The call was cancelled, here or by the server."""


class InternalError(PrecisError):
    """The server, or something between, has a fault; `code` says which status it was."""

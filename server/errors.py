"""What can go wrong with a request, whatever the transport.

    RequestError
    ├── InvalidRequest     the caller must change the request; names every bad field
    │   └── MessageTooLarge    the whole message is over the limit; says by how much
    ├── NotServed          this server lacks the capability; names the option
    ├── MissingKey         this server asks for a key and none came
    ├── UnknownKey         the key that came opens nothing here
    ├── UnknownModel       no such model or version here
    ├── Overloaded         the queue is full, or too long for the deadline; says when to come back
    ├── OutOfMemory        no memory for this document just now; says when to come back
    ├── Draining           the server is going away; another replica will answer
    ├── DeviceLost         the device failed and the server ends; another replica will answer
    ├── DeadlineExpired    the caller's time ran out; says in which stage
    ├── DeadlineTooShort   the caller's time is less than the work takes, even on an idle server
    └── EngineFailure      our fault; the request alone is lost, or the engine is

rpc/status.py maps each class to one status code. `reason` is part of the API: never change one.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Violation:
    """One refused field.

    Its path in the request, and what is wrong, with the value and the limit named.
    """

    field: str
    description: str


def shown(value: float) -> str:
    """A number as a caller wrote it: a float without what 32 bits add, an integer to the digit."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


class RequestError(Exception):
    """A request that ends without a summary."""

    reason: ClassVar[str] = "INTERNAL"

    def in_window(self, number: int, windows: int) -> Self:
        """Says in which part of a long document it happened."""
        self.args = (f"window {number} of {windows}: {self}",)
        return self


class _FieldError(RequestError):
    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))

    def __reduce__(self) -> Any:
        """A document may be refused in another process."""
        return type(self), self.violations


class InvalidRequest(_FieldError):
    """Fields of the request are wrong; all of them are named at once."""

    reason = "INVALID_REQUEST"


class MessageTooLarge(InvalidRequest):
    """The message that carries the request is larger than this server takes."""

    reason = "MESSAGE_TOO_LARGE"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(Violation("(message)", f"has {size} bytes, at most {limit} are taken"))


class NotServed(_FieldError):
    """The request asks for what this server does not do."""

    reason = "NOT_SERVED"


class MissingKey(RequestError):
    """The server has keys and the call brought none."""

    reason = "MISSING_KEY"

    def __init__(self) -> None:
        super().__init__(
            "this server asks for a key: send the metadata `authorization: Bearer KEY`"
        )


class UnknownKey(RequestError):
    """The call brought a key that the server does not know, or no longer knows."""

    reason = "UNKNOWN_KEY"

    def __init__(self) -> None:
        super().__init__("this server does not know the key that was sent")


class UnknownModel(RequestError):
    """The model or version asked for is not loaded."""

    reason = "UNKNOWN_MODEL"

    def __init__(self, name: str, version: str, available: str) -> None:
        self.name = name
        self.version = version
        asked = f"{name} version {version}" if version else name
        super().__init__(f"model {asked!r} is not served here; available: {available}")


class Overloaded(RequestError):
    """The queue is full, or holds more work than the caller has time for.

    `quota` says which limit was met: documents, tokens or seconds.
    """

    reason = "OVERLOADED"

    def __init__(self, problem: str, *, quota: str, retry_after_s: float) -> None:
        self.problem = problem
        self.quota = quota
        self.retry_after_s = retry_after_s
        super().__init__(f"{problem}; try again in {retry_after_s:.1f} s")


class OutOfMemory(RequestError):
    """There is not enough memory for this document beside those that are in work."""

    reason = "OUT_OF_MEMORY"
    # Others are done by then, as a rule; what they held may be enough.
    retry_after_s = 5.0

    def __init__(self, source_tokens: int) -> None:
        self.source_tokens = source_tokens
        super().__init__(
            f"not enough memory for a document of {source_tokens} source tokens; "
            f"try again in {self.retry_after_s:.1f} s, or send a shorter one"
        )


class Draining(RequestError):
    """The server takes no new requests because it is stopping."""

    reason = "DRAINING"

    def __init__(self) -> None:
        super().__init__(
            "the server is shutting down: it takes no new requests and may not finish those it has"
        )


class DeviceLost(RequestError):
    """The device that holds the model failed, and every request in work with it."""

    reason = "DEVICE_LOST"

    def __init__(self) -> None:
        super().__init__(
            "the device that runs the model failed and this server ends: send the request again"
        )


class DeadlineExpired(RequestError):
    """The caller's deadline passed before the summary was complete."""

    reason = "DEADLINE_EXPIRED"

    def __init__(self, stage: str) -> None:
        self.stage = stage
        super().__init__(f"the deadline passed while the request was {stage}")


class DeadlineTooShort(RequestError):
    """The work takes longer than the caller has, whoever else is being served."""

    reason = "DEADLINE_TOO_SHORT"

    def __init__(self, *, estimate_s: float, remaining_s: float) -> None:
        self.estimate_s = estimate_s
        self.remaining_s = remaining_s
        super().__init__(
            f"this document takes about {estimate_s:.3g} s even on an idle server, "
            f"and {max(0.0, remaining_s):.3g} s are left of its deadline"
        )


class EngineFailure(RequestError):
    """The model could not be run for this request."""

    reason = "ENGINE_FAILURE"

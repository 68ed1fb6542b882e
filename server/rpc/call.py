"""What is known of the call being answered, for whoever works on it."""

import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
import grpc.aio

from server.types import Origin, Summary

AUTHORIZATION_KEY = "authorization"
REQUEST_ID_KEY = "x-request-id"
WARNING_KEY = "x-precis-warning"
SPECULATION_KEY = "x-precis-speculation"
CACHE_KEY = "x-precis-cache"
MAX_ID_CHARACTERS = 128

_CACHE_WORDS = {Origin.CACHED: "hit", Origin.SHARED: "joined", Origin.COMPUTED: "miss"}

# In quotes, because gRPC's own class takes no parameters; only its type stub does.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
# What reading from a context gives once the caller has sent all. The type stubs have forgotten it.
END_OF_STREAM: object = grpc.aio.EOF  # type: ignore[attr-defined]


@dataclass(slots=True)
class Call:
    """One call, from its arrival to its last log line."""

    service: str
    rpc: str
    arrived_s: float = field(default_factory=time.monotonic)
    request_id: str = field(default_factory=lambda: secrets.token_hex(16))
    # The label of the key that it came with, where the server has keys.
    key: str = ""
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    notes: dict[str, object] = field(default_factory=dict)
    # What a call that succeeds ends with, beside its id.
    trailing: dict[str, str] = field(default_factory=dict)
    # By when what begins now is to be done, on the monotonic clock; None is no limit.
    deadline_s: Callable[[], float | None] = lambda: None

    @property
    def age_s(self) -> float:
        """How long ago it arrived."""
        return time.monotonic() - self.arrived_s

    def adopt_request_id(self, request_id: str) -> None:
        """Takes the caller's own id, if it gave one that can be sent back in metadata."""
        if is_valid_id(request_id):
            self.request_id = request_id

    def note(self, summary: Summary, *, has_cache: bool) -> None:
        """Keeps what the log should tell of a summary, counts and never text, and the metadata."""
        self.notes |= summary_notes(summary)
        self.trailing |= summary_metadata(summary, has_cache=has_cache)


current_call: ContextVar[Call] = ContextVar("current_call")


def is_valid_id(text: str) -> bool:
    """Whether a text can be an id: 1 to 128 visible ASCII characters."""
    return 0 < len(text) <= MAX_ID_CHARACTERS and all("!" <= character <= "~" for character in text)


def summary_notes(summary: Summary) -> dict[str, object]:
    """The counts of a summary, for a log line."""
    return {
        "model": summary.model,
        "finish_reason": summary.finish_reason.value,
        "source_tokens": summary.usage.source_tokens,
        "summary_tokens": summary.usage.summary_tokens,
        "queue_s": round(summary.timings.queue_s, 4),
        "method": summary.decoding.method.value,
        "steps": summary.decoding.steps,
        "origin": summary.origin.value,
        "warnings": ", ".join(each.code.value for each in summary.warnings) or None,
    }


def summary_metadata(summary: Summary, *, has_cache: bool) -> dict[str, str]:
    """What a caller is told beside the reply: no wish of theirs is dropped in silence."""
    metadata = {}
    if reason := summary.decoding.speculation_off:
        metadata[SPECULATION_KEY] = f"off: {_visible(reason)}"
    if has_cache:
        metadata[CACHE_KEY] = _CACHE_WORDS[summary.origin]
    return metadata


def _visible(text: str) -> str:
    """Metadata takes visible ASCII and spaces only."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a request may take, given what its caller says; 0 is no rule."""

    default_s: float = 0.0
    max_s: float = 0.0
    clock: Callable[[], float] = time.monotonic

    def of(self, context: Context) -> float | None:
        """The deadline on the monotonic clock, if any; it may have passed."""
        remaining_s = self._granted(context.time_remaining())
        return None if remaining_s is None else self.clock() + remaining_s

    def _granted(self, asked_s: float | None) -> float | None:
        granted_s = asked_s if asked_s is not None else (self.default_s or None)
        if not self.max_s:
            return granted_s
        return self.max_s if granted_s is None else min(granted_s, self.max_s)

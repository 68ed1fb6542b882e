"""The words that the server's layers share."""

import enum
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bundle.manifest import Manifest
from server.errors import Violation


class FinishReason(enum.Enum):
    """Why the writing of a summary stopped."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedOptions:
    """Decoding options as a caller gave them; None takes the style's default."""

    max_tokens: int | None = None
    min_tokens: int | None = None
    no_repeat_ngram_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingOptions:
    """Decoding options with every default filled in."""

    max_tokens: int
    min_tokens: int
    no_repeat_ngram_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """One document to summarise, as it came from the wire.

    Nothing in it has been checked against the model.
    """

    document: str
    request_id: str
    model: str = ""
    model_version: str = ""
    style: str = ""
    language: str = ""
    options: RequestedOptions = RequestedOptions()
    # On time.monotonic()'s clock; None waits for ever.
    deadline_s: float | None = None
    # False spares the engine one wake-up of the caller for each token.
    wants_deltas: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of a summary: whole characters only."""

    text: str
    summary_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was read and written."""

    document_characters: int
    source_tokens: int
    source_tokens_dropped: int
    summary_tokens: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Where the time of one request went, in seconds."""

    queue_s: float
    tokenize_s: float
    encode_s: float
    decode_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole answer to one request."""

    text: str
    finish_reason: FinishReason
    usage: Usage
    timings: Timings
    model: str
    model_version: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model as this server serves it: what it is, where it runs and what is refused beyond."""

    manifest: Manifest
    bundle_sha256: str
    max_source_tokens: int
    max_summary_tokens: int
    max_document_bytes: int
    max_batch_in_flight: int
    requested_provider: str
    actual_provider: str
    # Optional abilities, such as "beam_search"; what is not listed is refused with NotServed.
    capabilities: tuple[str, ...]


class Summariser(Protocol):
    """What a transport calls: server.service implements it, and telemetry wraps it."""

    def model(self, name: str, version: str) -> ServedModel:
        """Finds a model; "" takes the default one. Raises UnknownModel."""

    def models(self) -> Sequence[ServedModel]:
        """Every model, the default one first."""

    def refusals(self, request: SummaryRequest) -> Sequence[Violation]:
        """What the model would refuse in a request, so that a caller hears of all at once."""

    def summarise(self, request: SummaryRequest) -> AsyncGenerator[Delta | Summary, None]:
        """Writes one summary: deltas, if they are wanted, then exactly one Summary, last.

        Raises RequestError. Ending early, by cancellation or aclose(), frees all that is held.
        """

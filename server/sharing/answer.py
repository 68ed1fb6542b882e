"""What is shared: the answer that identical requests have in common, and what makes them so."""

import sys
from dataclasses import dataclass

from server.types import (
    Alternative,
    Decoding,
    DecodingOptions,
    FinishReason,
    SummaryWarning,
    Timings,
)

ALTERNATIVE_OVERHEAD_BYTES = 160
"""What an alternative takes beside its text, measured with tracemalloc and rounded up."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """All that an answer depends on. Equal keys have equal answers, to the letter.

    The document goes in as it was sent, before it is normalised: to tell whether two requests are
    identical must be much cheaper than to answer them.
    """

    bundle_sha256: str
    style: str
    # Without the ids of prefix and phrases, which follow from the texts.
    options: DecodingOptions
    prefix: str
    # In the order sent, by which a refusal names them.
    banned_phrases: tuple[str, ...]
    document_sha256: bytes

    @property
    def size_bytes(self) -> int:
        """Memory of the texts in it."""
        phrases = self.banned_phrases
        texts_bytes = sum(map(sys.getsizeof, (self.prefix, *phrases)))
        return texts_bytes + (sys.getsizeof(phrases) if phrases else 0)  # the empty one is shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was written, whoever asked for it."""

    text: str
    finish_reason: FinishReason
    source_tokens: int
    summary_tokens: int
    alternatives: tuple[Alternative, ...]
    decoding: Decoding
    seed: int | None
    warnings: tuple[SummaryWarning, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Memory of the texts in it."""
        warnings = (each.message for each in self.warnings)
        texts = (self.text, *warnings, *(each.text for each in self.alternatives))
        return sum(map(sys.getsizeof, texts)) + ALTERNATIVE_OVERHEAD_BYTES * len(self.alternatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When one computation did what, on time.monotonic()'s clock."""

    tokenize_started_s: float
    tokenize_ended_s: float
    encode_started_s: float
    encode_ended_s: float
    decode_ended_s: float

    @classmethod
    def without_model(cls, started_s: float, ended_s: float) -> "Course":
        """Of a computation that ends with tokenising."""
        return cls(
            tokenize_started_s=started_s,
            tokenize_ended_s=ended_s,
            encode_started_s=ended_s,
            encode_ended_s=ended_s,
            decode_ended_s=ended_s,
        )

    def timings(self, *, arrived_s: float, answered_s: float) -> Timings:
        """What of it a request waited for that arrived then: nothing of what was before."""

        def waited_s(started_s: float, ended_s: float) -> float:
            return max(0.0, ended_s - max(started_s, arrived_s))

        return Timings(
            queue_s=waited_s(self.tokenize_ended_s, self.encode_started_s),
            tokenize_s=waited_s(self.tokenize_started_s, self.tokenize_ended_s),
            encode_s=waited_s(self.encode_started_s, self.encode_ended_s),
            decode_s=waited_s(self.encode_ended_s, self.decode_ended_s),
            total_s=answered_s - arrived_s,
        )


@dataclass(frozen=True, slots=True)
class Landing:
    """How a computation ended well."""

    answer: Answer
    course: Course

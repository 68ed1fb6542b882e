"""One call as its caller saw it: all that the measuring needs to know of a protocol."""

from dataclasses import dataclass

OK = "OK"
HUNG_UP = "HUNG_UP"
"""Status of a call that we cancelled because the scenario says so: no success and no error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call that has ended; its times are seconds of the clock of its phase's start."""

    kind: str  # the method: "Summarize", "SummarizeStream", ...
    intended_s: float  # when it was due, which in a closed loop is when it was sent
    sent_s: float
    ended_s: float
    status: str  # "OK", the name of another gRPC code, HUNG_UP, or a word of the protocol's own
    deltas_s: tuple[float, ...] = ()  # when each piece of the answer came, if it came in pieces
    summary_tokens: int = 0
    retries: int = 0
    pushed_back: int = 0  # how many refusals said when to come again
    refused: bool = False  # it ended in such a refusal
    label: str = ""  # its class, such as a bucket of lengths

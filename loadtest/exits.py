"""How a load test ends: every way that a script may want to tell from the others has a code."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `python -m loadtest`."""

    PASSED = 0
    GATES_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    TLS = 4
    EMPTY_CORPUS = 5
    NO_SLO = 6
    BROKEN = 7
    INTERRUPTED = 130


MEANINGS = {
    Exit.PASSED: "every gate passed, or there was none",
    Exit.GATES_FAILED: "a gate failed",
    Exit.USAGE: "an option, a scenario or a key of it is wrong, the server refuses the caller, or a"
    " package is not installed",
    Exit.UNREACHABLE: "the target does not answer",
    Exit.TLS: "the two sides do not agree on TLS",
    Exit.EMPTY_CORPUS: "no document fits the scenario",
    Exit.NO_SLO: "the scenario needs an [slo] table and has none",
    Exit.BROKEN: "the load could not be made, for example because a generator was killed",
    Exit.INTERRUPTED: "interrupted; what was measured until then is written",
}


class LoadTestError(Exception):
    """What ends a load test: one line for a person, a code for a script."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code

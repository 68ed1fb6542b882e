"""How a failure ends the command: its exit code and its one line on stderr."""

from argparse import Namespace
from enum import IntEnum

from precis_client import errors


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    FAILED = 1
    REFUSED = 2
    UNREACHABLE = 3
    OVERLOADED = 4
    TOO_LATE = 5
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    OUTPUT_CLOSED = 141  # 128 + SIGPIPE


EXIT_CODES_HELP = """\
exit codes:
  0    done (health: SERVING)
  1    failed otherwise (health: not SERVING)
  2    usage, unreadable input, or the request was refused as it stands
  3    the server cannot be reached, or is shutting down
  4    the server is overloaded
  5    no answer within --timeout
  130  interrupted
  141  the reader of the output went away
"""

_CODE_OF_CLASS: dict[type[errors.PrecisError], ExitCode] = {
    errors.InvalidRequest: ExitCode.REFUSED,
    errors.NotSupported: ExitCode.REFUSED,
    errors.NotFound: ExitCode.REFUSED,
    errors.Unavailable: ExitCode.UNREACHABLE,
    errors.Overloaded: ExitCode.OVERLOADED,
    errors.DeadlineExceeded: ExitCode.TOO_LATE,
}


def exit_code_of(error: errors.PrecisError) -> ExitCode:
    """Finds the exit code for an error."""
    for kind, code in _CODE_OF_CLASS.items():
        if isinstance(error, kind):
            return code
    return ExitCode.FAILED


def describe(error: errors.PrecisError, arguments: Namespace) -> str:
    """Says in one line what went wrong and, where there is something, what to do about it."""
    sentence = _sentence(error, arguments)
    if error.request_id:
        sentence += f" [request {error.request_id}]"
    return " ".join(sentence.split())


def _sentence(error: errors.PrecisError, arguments: Namespace) -> str:
    if isinstance(error, errors.MessageTooLarge):
        size = error.message.removeprefix("(message): ")
        return f"the document is too large for one message: {size}"
    if error.field_violations:
        return "; ".join(f"{each.field}: {each.description}" for each in error.field_violations)
    if isinstance(error, errors.Overloaded):
        wait = "later" if error.retry_after_s is None else f"in {error.retry_after_s:g} s"
        return f"{arguments.address} is overloaded: {error.message} (try again {wait})"
    if isinstance(error, errors.Unavailable):
        if error.reason:
            return f"{arguments.address} is not ready: {error.message}"
        why = _why_unreachable(error.message, is_encrypted=bool(arguments.tls or arguments.tls_ca))
        return f"cannot reach {arguments.address} (see --address): {why}"
    if isinstance(error, errors.AccessDenied):
        return (
            f"{arguments.address} denies access: {error.message or error.code} (see --token-file)"
        )
    if isinstance(error, errors.DeadlineExceeded):
        return f"no answer from {arguments.address} within --timeout: {error.message}"
    return error.message or error.code


def _why_unreachable(message: str, *, is_encrypted: bool) -> str:
    """Adds the likely cause where only one side encrypts; gRPC's own words do not tell it."""
    if is_encrypted and "WRONG_VERSION_NUMBER" in message:
        return "the TLS handshake failed (the server may not speak TLS)"
    is_hung_up_on = "failed to connect" in message and "Socket closed" in message
    if is_hung_up_on and not is_encrypted:
        return f"{message} (does the server want --tls?)"
    return message

"""Runs the programs of others that this measurement uses."""

import subprocess
from collections.abc import Mapping, Sequence

_SLACK_S = 60.0


class ToolFailed(Exception):
    """A program is not there, or ended without a result; the message says which and why."""


def run_tool(
    command: Sequence[str], *, about_s: float, environment: Mapping[str, str] | None = None
) -> str:
    """Runs one that takes about so long, and gives what it printed."""
    program = command[0]
    try:
        outcome = subprocess.run(  # noqa: S603 - our own words
            command,
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            timeout=about_s + _SLACK_S,
        )
    except subprocess.TimeoutExpired:
        raise ToolFailed(f"{program} did not end within {about_s + _SLACK_S:g} s") from None
    except OSError as error:
        raise ToolFailed(f"{program} cannot be run: {error.strerror}") from None
    if outcome.returncode:
        lines = outcome.stderr.strip().splitlines() or ["it said nothing"]
        raise ToolFailed(f"{program} ended with exit code {outcome.returncode}: {lines[-1]}")
    return outcome.stdout

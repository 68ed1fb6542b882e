"""Says in one line what to install where a package that a program needs is missing."""

import sys

USAGE_EXIT_CODE = 2
_OURS = {"bundle", "model", "export", "server", "loadtest", "benchmarks"}


def report_missing(error: ModuleNotFoundError, program: str, extras: str) -> int:
    """Prints the line and gives the exit code; a missing module of our own is raised as it is."""
    name = (error.name or "").partition(".")[0]
    if not name or name in _OURS:
        raise error
    sys.stderr.write(
        f"{program}: the package {name!r} is not installed here. `make test` installs everything;"
        f" or: pip install -c requirements/constraints.txt -e ./client -e '.[{extras}]'\n"
    )
    return USAGE_EXIT_CODE

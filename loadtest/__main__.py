"""`python -m loadtest`: starts the command line, or says what to install first."""

import sys
from collections.abc import Sequence

from loadtest.exits import Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command and gives the exit code."""
    try:
        from loadtest import command_line

        return command_line.main(arguments)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "loadtest":
            raise
        sys.stderr.write(
            f"loadtest: the package {name!r} is not installed here. `make loadtest` installs what"
            " a load test needs and runs the tour; or:"
            " pip install -c requirements/constraints.txt -e ./client -e '.[loadtest]'\n"
        )
        return int(Exit.USAGE)


if __name__ == "__main__":
    sys.exit(main())

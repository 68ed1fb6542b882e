"""`python -m server`: reads the settings and serves until a signal comes."""

import logging
import os
import sys
import time
from pathlib import Path

from server.missing import MISSING_EXIT_CODE, what_to_install

_log = logging.getLogger(__name__)
_IMPORTED_S = time.monotonic()
# Of /proc/self/stat, counted from the command's closing parenthesis.
_START_TICKS_FIELD = 19


def main() -> int:
    """Runs the server; a problem that keeps it from starting is one line on stderr."""
    try:
        return _main()
    except ModuleNotFoundError as error:
        return _fail(ModuleNotFoundError(what_to_install(error)), MISSING_EXIT_CODE)


def _main() -> int:
    # Only now, so that a missing package can be reported.
    from bundle.errors import BundleError
    from server.config import USAGE_EXIT_CODE, ConfigError, load_config, unknown_variables

    try:
        config = load_config(sys.argv[1:])
    except ConfigError as error:
        return _fail(error, USAGE_EXIT_CODE)
    # Only now, so that --help and a wrong flag answer at once.
    from server.app import run
    from server.rpc.server import ServerError
    from server.telemetry.logging import configure_logging, fields

    configure_logging(level=config.log_level, format=config.log_format)
    if unknown := unknown_variables():
        _log.warning("no such settings", extra=fields(variables=", ".join(unknown)))
    try:
        return run(config, process_age_s=_process_age_s)
    except ConfigError as error:
        return _fail(error, USAGE_EXIT_CODE)
    except (BundleError, ServerError) as error:
        return _fail(error, 1)


def _fail(error: Exception, exit_code: int) -> int:
    sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
    return exit_code


def _process_age_s() -> float:
    """How long ago the process began; the interpreter's own start counts where the system tells."""
    try:
        after_command = Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return time.monotonic() - _IMPORTED_S
    started_s = int(after_command[_START_TICKS_FIELD]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s


if __name__ == "__main__":
    sys.exit(main())

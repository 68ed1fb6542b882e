"""A generator seen from Locust's side: a child process that is told lines and tells lines."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from gevent import subprocess

from loadtest.exits import Exit, LoadTestError
from loadtest.orders import Line

# The same modules as here, whatever this process found them by: somebody's own callers too.
_PROGRAM = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " runpy.run_module('loadtest.engine', run_name='__main__')"
)
_PATIENCE_S = 10
_NICENESS = 10


class GeneratorProcess:
    """Runs `python -m loadtest.engine`; waiting for it lets other greenlets work."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What gRPC would say of a broken connection, calls say too.
            env={"GRPC_VERBOSITY": "NONE"} | os.environ,
            start_new_session=True,  # Ctrl-C is for whoever started it
        )
        _give_way()

    def say(self, line: Line) -> None:
        """Tells it what to do."""
        try:
            self._process.stdin.write(line.model_dump_json(exclude_defaults=True).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._is_gone() from None

    def listen(self) -> Iterator[tuple[str, Any]]:
        """Gives what it says, word by word; LoadTestError if it ends."""
        for line in self._process.stdout:
            yield from json.loads(line).items()
        raise self._is_gone()

    def close(self) -> None:
        """Ends it; by force if it does not mind."""
        try:
            self._process.stdin.close()
            self._process.wait(_PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _is_gone(self) -> LoadTestError:
        code = self._process.wait()
        return LoadTestError(Exit.BROKEN, f"a generator ended with exit code {code}")


def _give_way() -> None:
    """Lets the generators go before this process, which only counts what they did."""
    if os.nice(0) < _NICENESS:
        os.nice(_NICENESS - os.nice(0))

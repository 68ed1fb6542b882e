"""Runs the scenario `tour`, about a minute that shows what this package does.

The server is a program of its own, `python -m server`, on ports that are free.
"""

import json
import os
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtest.exits import Exit, LoadTestError
from loadtest.options import make_folder

_PATIENCE_S = 120.0
_OPTIONS = ("--port", "0", "--metrics-port", "0", "--log-format", "json")


@dataclass(frozen=True)
class _Server:
    address: str
    metrics_port: int
    threads: int


def take_tour(run: Callable[[Sequence[str]], int], output: Path | None) -> int:
    """Starts a server, runs the scenario `tour` by the command line, and shows the report."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = make_folder(output or Path("build", "loadtest", f"{moment}-tour"))
    print("Starting a server ...", file=sys.stderr)
    with _serving(folder / "server.log") as server:
        host = server.address.rpartition(":")[0]
        code = run(
            [
                *("run", "tour", "--title", "Tour"),
                *("--target", server.address),
                *("--metrics-url", f"http://{host}:{server.metrics_port}/metrics"),
                *("--note", f"threads of the server={server.threads}"),
                *("--note", "machine of the server=the same"),
                *("--output", str(folder)),
            ]
        )
    report = folder / "report.html"
    if report.is_file() and sys.stdout.isatty() and "DISPLAY" in os.environ:
        webbrowser.open(report.resolve().as_uri())
    return code


@contextmanager
def _serving(log: Path) -> Iterator[_Server]:
    """Runs a server and waits until it says that it is ready."""
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603  # our own words
            [sys.executable, "-m", "server", *_OPTIONS],
            stdout=sink,
            stderr=sink,
            start_new_session=True,  # Ctrl-C ends the load, and then this is ended
        )
    try:
        yield _await_ready(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE_S)
        except BaseException:  # who interrupts twice will not wait, nor leave a server behind
            process.kill()
            raise


def _await_ready(process: "subprocess.Popen[bytes]", log: Path) -> _Server:
    give_up_at = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up_at:
        lines = log.read_text("utf-8", "replace").splitlines()
        for line in map(_read_line, lines):
            if line.get("message") == "ready":
                return _Server(**{name: line[name] for name in _Server.__match_args__})
        if process.poll() is not None:
            said = lines[-1] if lines else "nothing said"
            raise LoadTestError(Exit.UNREACHABLE, f"the server did not start ({log}): {said}")
        time.sleep(0.1)
    raise LoadTestError(Exit.UNREACHABLE, f"the server was not ready in {_PATIENCE_S:g} s ({log})")


def _read_line(line: str) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}

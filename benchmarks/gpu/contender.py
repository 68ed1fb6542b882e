"""A contender as the one who asks sees it: a process that is given so long and no longer."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from benchmarks.gpu.deadline import Deadline

# A server lets go of its callers first.
_PATIENCE_S = 15.0
_CHUNK = 1 << 16


class ContenderError(RuntimeError):
    """A contender gave no answer; says why."""


class Contender:
    """A running worker, which speaks lines of JSON: see protocol.py."""

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        # A file, because nobody would read a pipe before it is full.
        self._said = tempfile.TemporaryFile()
        self._unread = b""
        self._module = module
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **(environment or {})},
            # Its own group, so that whatever it has started ends with it.
            start_new_session=True,
        )

    def ask(self, job: Mapping[str, Any], within: Deadline) -> dict[str, Any]:
        """Gives it a turn. One that overruns it is ended, since it would disturb the others."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return self.hear(within)

    def hear(self, within: Deadline) -> dict[str, Any]:
        """The next thing that it says. Raises ContenderError, also for an error that it tells."""
        given_s = within.left_s
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            readable, _, _ = select.select([self._process.stdout], [], [], within.left_s)
            if not readable:
                self._kill()
                raise ContenderError(f"no answer within {given_s:.0f} s")
            chunk = os.read(self._process.stdout.fileno(), _CHUNK)
            if not chunk:
                raise self._ended()
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        content: dict[str, Any] = json.loads(line)
        if "error" in content:
            raise ContenderError(content["error"])
        return content

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.poll() is None

    def close(self) -> None:
        """Lets it go; it is waited for."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._kill()
        self._said.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _ended(self) -> ContenderError:
        code = self._process.wait(_PATIENCE_S)
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        return ContenderError(f"{self._module} ended with exit code {code}: {last}")

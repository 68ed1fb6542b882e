"""How many summaries are done: on a terminal in place, elsewhere a plain line now and then."""

import time
from collections.abc import Callable
from typing import TextIO

_TERMINAL_INTERVAL_S = 0.1
_PLAIN_INTERVAL_S = 10.0


class Progress:
    """Counts documents and says so on a stream, unless it is to be quiet."""

    def __init__(
        self,
        stream: TextIO,
        *,
        is_quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._is_quiet = is_quiet
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._interval_s = _TERMINAL_INTERVAL_S if self._is_terminal else _PLAIN_INTERVAL_S
        self._started_s = clock()
        self._next_s = self._started_s + self._interval_s
        self._done = 0

    def add(self) -> None:
        """One more is done."""
        self._done += 1
        if self._clock() >= self._next_s:
            self._next_s = self._clock() + self._interval_s
            self._write(end="" if self._is_terminal else "\n")

    def close(self) -> None:
        """Says how many were done; nothing more is said afterwards."""
        self._write(end="\n")
        self._is_quiet = True

    def _write(self, *, end: str) -> None:
        if self._is_quiet:
            return
        start = "\r" if self._is_terminal else ""
        seconds = self._clock() - self._started_s
        self._stream.write(f"{start}{self._done} documents in {seconds:.0f} s{end}")
        self._stream.flush()

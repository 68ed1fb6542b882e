"""A progress bar on a terminal; elsewhere, such as in a log file, a plain line now and then."""

import sys
import time
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

_INTERVAL_S = 10.0


class ProgressBar(tqdm):
    """A tqdm that is readable in a file: a line every ten seconds and at the end, no `\\r`."""

    def __init__(
        self, *args: Any, clock: Callable[[], float] = time.monotonic, **options: Any
    ) -> None:
        self._is_plain = not sys.stderr.isatty()
        self._clock = clock
        self._next_s = clock() + _INTERVAL_S
        super().__init__(*args, **options)

    def refresh(self, *args: Any, **options: Any) -> Any:
        """Draws the bar, or prints a line if it is time for one."""
        if not self._is_plain:
            return super().refresh(*args, **options)
        if not self.disable and self._clock() >= self._next_s:
            self._next_s = self._clock() + _INTERVAL_S
            self._print_line()
        return True

    def clear(self, *args: Any, **options: Any) -> None:
        """Removes the bar from a terminal, before other text is written."""
        if not self._is_plain:
            super().clear(*args, **options)

    def close(self) -> None:
        """Ends it; what was done is the last line."""
        if self._is_plain and not self.disable:
            self._print_line()
            self.disable = True  # tqdm would draw once more
            self._decr_instances(self)
            return
        super().close()

    def _print_line(self) -> None:
        name = (self.desc or "progress").rstrip(": ")
        of = f" {self.unit.strip()}" if self.total is None else f" of {self.total:.0f}"
        seconds = self.format_dict["elapsed"]
        more = f", {self.postfix}" if self.postfix else ""
        line = f"{name}: {self.n:.0f}{of}, {seconds:.0f} s so far{more}"
        print(line, file=sys.stderr, flush=True)

"""Files of one JSON object a line, plain, .gz or .xz, and what is wrong with their lines.

A line is wrong when it is empty, is not UTF-8, is not JSON, holds no object, or holds one that
`parse` refuses. Each is counted, and the first `SHOWN` are kept with their numbers and reasons, so
that data of millions of lines can be mended. Whether wrong lines are left out or end the reading is
the caller's to say.
"""

import codecs
import gzip
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, Literal, TypeVar

SHOWN = 10

OnBadLine = Literal["skip", "refuse"]

T = TypeVar("T")


class DataError(ValueError):
    """A data file that cannot be used; the message says which lines and why."""


@dataclass(frozen=True)
class BadLine:
    """A line that holds nothing usable."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.reason}"


class JsonLines(Generic[T]):
    """What a file holds, one thing a line, read as it is asked for.

    `parse(values, number)` makes it from the line's object, or raises ValueError with the reason.
    Iterating twice reads twice; `bad_lines` and `bad_count` are of the latest time.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[Mapping[str, Any], int], T],
        on_bad_line: OnBadLine = "refuse",
    ) -> None:
        if on_bad_line not in ("skip", "refuse"):
            raise ValueError(f"on_bad_line must be 'skip' or 'refuse', not {on_bad_line!r}")
        self.path, self._parse, self._on_bad_line = path, parse, on_bad_line
        self.bad_lines: list[BadLine] = []  # the first `SHOWN` of them
        self.bad_count = 0

    def __iter__(self) -> Iterator[T]:
        """Yield what each good line holds.

        Raises `DataError` for a broken archive, and, unless wrong lines are skipped, for the first
        wrong line and those after it, `SHOWN` at most.
        """
        self.bad_lines, self.bad_count = [], 0
        with open_binary(self.path) as file:
            for number, line in enumerate(self._lines(file), 1):
                try:
                    item = self._parse(_object(line, number), number)
                except ValueError as error:
                    self._add_bad(BadLine(number, str(error)))
                    if self._on_bad_line == "refuse" and self.bad_count == SHOWN:
                        break
                    continue
                # Once a line is wrong, a refusing reader only looks for more to tell at once.
                if self._on_bad_line == "skip" or not self.bad_lines:
                    yield item
        if self._on_bad_line == "refuse" and self.bad_lines:
            raise DataError(self.complaint())

    def complaint(self) -> str:
        """The wrong lines that were seen, for people; empty if there were none."""
        if not self.bad_count:
            return ""
        shown = "\n  ".join(map(str, self.bad_lines))
        more = self.bad_count - len(self.bad_lines)
        lines = "1 unusable line" if self.bad_count == 1 else f"{self.bad_count} unusable lines"
        rest = f"\n  and {more} more" if more else ""
        if self._on_bad_line == "refuse" and self.bad_count == SHOWN:
            rest = "\n  (not read further)"
        return f"{self.path}: {lines}\n  {shown}{rest}"

    def _add_bad(self, line: BadLine) -> None:
        self.bad_count += 1
        if len(self.bad_lines) < SHOWN:
            self.bad_lines.append(line)

    def _lines(self, file: IO[bytes]) -> Iterator[bytes]:
        try:
            yield from file
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{self.path} is a broken archive: {error}") from error


def open_binary(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking .gz and .xz."""
    openers: dict[str, Callable[..., IO[bytes]]] = {".xz": lzma.open, ".gz": gzip.open}
    return openers.get(path.suffix, open)(path, "rb")


def _object(line: bytes, number: int) -> Mapping[str, Any]:
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    if not line.strip():
        raise ValueError("empty")
    try:
        values = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {line[error.start]:#04x} at {error.start}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"not an object but {type(values).__name__}")
    return values

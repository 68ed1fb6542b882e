"""The curve of a run: CSV files that go on where a resumed run goes on."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

STEP_COLUMNS = (
    "step",
    "examples",
    "tokens",
    "loss",
    "learning_rate",
    "gradient_norm",
    "tokens_per_second",
    "seconds",
)
VALIDATION_COLUMNS = ("step", "loss", "rouge1", "rouge2", "rouge_l", "seconds")


class CsvLog:
    """A table that grows by a row at a time; the first column is the step.

    Rows of steps after `step`, which the killed run had not saved, are dropped. Numbers are written
    so that they read back as they were.
    """

    def __init__(self, path: Path, columns: Sequence[str], step: int) -> None:
        rows = [row for row in _rows(path) if int(row[0]) <= step] if step else []
        temporary = path.with_suffix(".unfinished")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])
        temporary.replace(path)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def add(self, *values: float) -> None:
        """Append a row."""
        self._writer.writerow(values)
        self._file.flush()

    def close(self) -> None:
        """Flush to the disk and close."""
        os.fsync(self._file.fileno())
        self._file.close()


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    # A kill may have cut the last row short.
    return [row for row in rows if len(row) == len(rows[0])]

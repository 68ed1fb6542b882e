"""What was found, written down line by line as soon as it is known."""

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Journal:
    """A file of JSON lines, and the same in memory. Every record says its `kind`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.records: list[Record] = []
        path.write_text("", "utf-8")

    def write(self, kind: str, **content: Any) -> None:
        """Adds a record; it is on disk when this returns."""
        record = {"kind": kind, **content}
        self.records.append(record)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_journal(path: Path) -> list[Record]:
    """The records of a run, also of one that was cut off in the middle of a line."""
    records = []
    for line in path.read_text("utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records

"""Documents with the summaries they should get, read from JSON lines.

    {"document": "...", "summary": "...", "style": "brief", "lang": "en", "id": "7", "set": "news"}

Only the document and its summary are needed: a style can be given for those that lack one (it is
empty otherwise, which a network without styles has no need to know), the language is English and
the id is the file and the line unless said otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from model.data.json_lines import JsonLines, OnBadLine


@dataclass(frozen=True)
class Record:
    """One document with the summary it should get."""

    id: str
    document: str
    summary: str
    style: str  # empty where none was named
    lang: str
    set: str = ""  # which collection it comes from, where a file mixes several


class RecordReader(JsonLines[Record]):
    """The records of a file, one after the other; see `JsonLines` for what wrong lines come to."""

    def __init__(
        self, path: Path, on_bad_line: OnBadLine = "refuse", default_style: str | None = None
    ) -> None:
        super().__init__(path, self._record, on_bad_line)
        self._default_style = default_style

    def _record(self, values: Mapping[str, Any], number: int) -> Record:
        id = f"{self.path.name}:{number}"
        defaults = {"lang": "en", "id": id, "set": "", "style": self._default_style or ""}
        return Record(**text_fields(values, tuple(Record.__dataclass_fields__), defaults))


def text_fields(
    values: Mapping[str, Any], names: tuple[str, ...], defaults: Mapping[str, str]
) -> dict[str, str]:
    """The named fields as text; what has a default may be missing, but is not blank unless that is.

    Raises ValueError that tells all that is wrong with them.
    """
    found = {name: values.get(name, defaults.get(name)) for name in names}
    if type(found.get("id")) is int:
        found["id"] = str(found["id"])
    missing = [name for name in names if name not in values and name not in defaults]
    problems = [f"lacks {', '.join(missing)}"] if missing else []
    problems += [
        f"{name} {problem}"
        for name in names
        if name not in missing and (problem := _problem(found[name], defaults.get(name) == ""))
    ]
    if problems:
        raise ValueError("; ".join(problems))
    return found


def read_records(
    path: Path,
    limit: int | None = None,
    style: str | None = None,
    on_bad_line: OnBadLine = "refuse",
    default_style: str | None = None,
) -> list[Record]:
    """Read a .jsonl, .jsonl.gz or .jsonl.xz file: its first `limit` records, of one style if named.

    Raises `DataError`, with line numbers, for lines that are no record, unless they are skipped.
    """
    reader = RecordReader(path, on_bad_line, default_style)
    kept = (record for record in reader if style is None or record.style == style)
    return list(islice(kept, limit))


def _problem(value: object, may_be_blank: bool) -> str | None:
    if not isinstance(value, str):
        return f"is no text but {type(value).__name__}"
    if not value.strip() and not may_be_blank:
        return "is empty"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "holds half a surrogate pair"
    return None

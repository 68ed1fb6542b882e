"""Long documents: sections of textbooks, and documents made by joining short ones."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

from model.data.records import Record, read_records

SECTIONS = Path("tests/data/openstax_en.jsonl.xz")
SHORT = (Path("tests/data/arxiv_tldr_en.jsonl"), Path("tests/data/arxiv_tldr_zh.jsonl"))

_SEED = 0
# Of each language: how many are joined at least, and until how many characters there are.
_JOINED = {"en": (6, 6000), "zh": (4, 2500)}


@dataclass(frozen=True, slots=True)
class LongRecord:
    """A long document with the summary that it should get."""

    set: str
    lang: str
    document: str
    summary: str
    # Of the documents that it was joined from; one of a document that was not.
    parts: tuple[str, ...]

    @property
    def is_joined(self) -> bool:
        """Whether it is about several things."""
        return len(self.parts) > 1


def long_records(path: Path, limit: int) -> list[LongRecord]:
    """The first documents of a file, as they are."""
    return [
        LongRecord(each.set or path.name, each.lang, each.document, each.summary, (each.summary,))
        for each in read_records(path, limit)
    ]


def joined_records(path: Path, limit: int) -> list[LongRecord]:
    """Documents made of several of one set in a file, at most `limit` of each set.

    Six English ones or four Chinese ones, and more where those are short. Each is used once.
    """
    by_set: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in read_records(path):
        by_set[record.set or path.name, record.lang].append(record)
    return [
        joined
        for (name, lang), records in sorted(by_set.items())
        for joined in list(_joined(name, lang, records))[:limit]
    ]


def _joined(name: str, lang: str, records: Sequence[Record]) -> Iterator[LongRecord]:
    fewest, characters = _JOINED[lang]
    records = random.Random(_SEED).sample(records, len(records))  # noqa: S311 - no secret
    members: list[Record] = []
    for record in records:
        members.append(record)
        if len(members) < fewest or sum(len(each.document) for each in members) < characters:
            continue
        yield LongRecord(
            f"joined {name}",
            lang,
            "\n\n".join(each.document for each in members),
            ("" if lang == "zh" else " ").join(each.summary for each in members),
            tuple(each.summary for each in members),
        )
        members = []


@cache
def of_length(characters: int) -> str:
    """English prose of a length: the textbook sections, as often as it takes."""
    sections = [record.document for record in read_records(SECTIONS)]
    text, pieces = 0, []
    for section in cycle(sections):
        pieces.append(section)
        text += len(section) + 2
        if text >= characters:
            return "\n\n".join(pieces)[:characters]
    raise AssertionError("a cycle has no end")

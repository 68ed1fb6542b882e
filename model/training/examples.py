"""Training data in tokens: read once, held in flat arrays, counted where something was left out."""

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

from model.data.json_lines import DataError
from model.data.records import Record
from model.training.config import DataConfig
from model.training.layout import Layout


@dataclass(frozen=True)
class Example:
    """What the encoder reads and what the decoder should say."""

    id: str
    source: list[int]
    target: list[int]


@dataclass
class Counts:
    """What became of the lines of a file."""

    examples: int = 0
    unusable_lines: int = 0
    cut_documents: int = 0
    cut_summaries: int = 0
    dropped: int = 0

    def __str__(self) -> str:
        parts = [
            (field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)
        ]
        return ", ".join(
            f"{count:,} {name}" for name, count in parts if count or name == "examples"
        )


class Examples:
    """Examples one after the other in flat arrays: a list for each would take ten times the room.

    That matters for a million documents of 600 tokens.
    """

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self.ids: list[str] = []
        self.source_lengths = array("i")
        self.target_lengths = array("i")
        self._tokens = array("i")
        self._starts = array("q")
        for example in examples:
            self.append(example)

    def append(self, example: Example) -> None:
        """Add one."""
        self.ids.append(example.id)
        self._starts.append(len(self._tokens))
        self.source_lengths.append(len(example.source))
        self.target_lengths.append(len(example.target))
        self._tokens.extend(example.source)
        self._tokens.extend(example.target)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        start = self._starts[index]
        middle = start + self.source_lengths[index]
        end = middle + self.target_lengths[index]
        return Example(
            self.ids[index], list(self._tokens[start:middle]), list(self._tokens[middle:end])
        )

    def __iter__(self) -> Iterator[Example]:
        return (self[index] for index in range(len(self)))

    def fingerprint(self) -> int:
        """A number that differs for different data."""
        sizes = zlib.crc32(self.target_lengths, zlib.crc32(self.source_lengths))
        return zlib.crc32(self._tokens, sizes)


def cut_pair(
    id: str,
    document: list[int],
    summary: list[int],
    style: str,
    layout: Layout,
    config: DataConfig,
    counts: Counts,
) -> Example | None:
    """An example within the limits, by the configured rule; None where it was dropped."""
    long_document = len(document) > config.max_document_tokens
    long_summary = len(summary) > config.max_summary_tokens
    if (long_document or long_summary) and config.too_long != "cut":
        if config.too_long == "drop":
            counts.dropped += 1
            return None
        raise DataError(
            f"{id}: {len(document)} document tokens (the limit is {config.max_document_tokens}), "
            f"{len(summary)} summary tokens (the limit is {config.max_summary_tokens})"
        )
    counts.cut_documents += long_document
    counts.cut_summaries += long_summary
    counts.examples += 1
    source = layout.source(document[: config.max_document_tokens], style)
    # A summary that was cut has no end token: the model must not learn to stop in mid-sentence.
    target = layout.target(summary[: config.max_summary_tokens], ended=not long_summary)
    return Example(id, source, target)


def pair_maker(layout: Layout, config: DataConfig) -> Callable[[Record, Counts], Example | None]:
    """Turns records into examples."""

    def make(record: Record, counts: Counts) -> Example | None:
        document = layout.document_ids(record.document)
        summary = layout.summary_ids(record.summary)
        try:
            return cut_pair(record.id, document, summary, record.style, layout, config, counts)
        except DataError:
            raise
        except ValueError as error:
            raise DataError(f"{record.id}: {error}") from error

    return make

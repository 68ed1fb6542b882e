"""The files of a run, read into examples; what was left out is told, never silent."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from model.data.json_lines import DataError, JsonLines
from model.data.records import Record, RecordReader
from model.progress import ProgressBar
from model.training.config import DataConfig, SourceConfig, ValidationConfig
from model.training.examples import Counts, Example, Examples, pair_maker
from model.training.gap_sentences import ProseReader, prose_maker
from model.training.layout import Layout

MASK, GAP = "<mask>", "<gap>"
"""The tokens of gap-sentence pre-training: in place of a sentence, and in place of a style."""


def read_source(
    source: SourceConfig, data: DataConfig, layout: Layout, tokenizer_file: Path, shown: bool
) -> Examples:
    """The examples of one source. Raises `DataError` where none is left."""
    path = Path(source.path)
    reader = open_source(source)
    make: Callable[[Any, Counts], Example | None]
    if source.kind == "pairs":
        make = pair_maker(layout, data)
    else:
        gap_ids = _gap_ids(tokenizer_file) if source.kind == "gaps" else None
        make = prose_maker(layout, data, gap_ids)
    counts, examples = Counts(), Examples()
    for item in with_progress(reader, path, shown):
        example = make(item, counts)
        if example is not None:
            examples.append(example)
    counts.unusable_lines = reader.bad_count
    if shown:
        tell_bad_lines(reader)
    _tell(str(path), counts, shown)
    return examples


@dataclass(frozen=True)
class Pairs:
    """Records, and the same as examples in the same order."""

    records: Sequence[Record]
    examples: Examples


def read_validation(
    validation: ValidationConfig, data: DataConfig, layout: Layout, shown: bool
) -> Pairs:
    """What a run is judged by. Raises `DataError` where none is left."""
    path = Path(validation.path)
    reader = RecordReader(path, default_style=validation.style)
    return make_pairs(islice(reader, validation.documents), layout, data, str(path), shown)


def make_pairs(
    records: Iterable[Record], layout: Layout, data: DataConfig, name: str, shown: bool
) -> Pairs:
    """The records that are within the limits, or cut to them. Raises `DataError` for none."""
    make, counts = pair_maker(layout, data), Counts()
    kept, examples = [], Examples()
    for record in records:
        example = make(record, counts)
        if example is not None:
            kept.append(record)
            examples.append(example)
    _tell(name, counts, shown)
    return Pairs(kept, examples)


def open_source(source: SourceConfig) -> JsonLines[Any]:
    """The reader of a source's lines."""
    path = Path(source.path)
    if source.kind == "pairs":
        return RecordReader(path, source.on_bad_line, source.style)
    return ProseReader(path, source.on_bad_line)


def texts(sources: Iterable[SourceConfig]) -> Iterator[str]:
    """Every text of the sources, to train a tokenizer on: each file once, all of them by turns.

    So the first so many characters hold something of each file, however long the first one is.
    """
    files = {(source.path, source.kind == "pairs"): source for source in sources}
    for turn in zip_longest(*map(open_source, files.values())):
        yield from chain.from_iterable(_texts_of(item) for item in turn if item is not None)


def _texts_of(item: Any) -> Sequence[str]:
    return (item.document, item.summary) if isinstance(item, Record) else (item.text,)


def tell_bad_lines(reader: JsonLines[Any]) -> None:
    """Show the lines that were skipped, if any were."""
    if complaint := reader.complaint():
        ProgressBar.write(complaint, sys.stderr)


def with_progress(items: Iterable[Any], path: Path, shown: bool) -> Iterable[Any]:
    """A bar that counts what is read from a file."""
    return ProgressBar(items, desc=path.name, unit=" lines", disable=not shown, leave=False)


def _gap_ids(tokenizer_file: Path) -> tuple[int, int]:
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    gap, mask = tokenizer.token_to_id(GAP), tokenizer.token_to_id(MASK)
    if gap is None or mask is None:
        raise DataError(f"{tokenizer_file} has no {GAP} and {MASK}: gap sentences need both")
    return gap, mask


def _tell(name: str, counts: Counts, shown: bool) -> None:
    """Say what became of the lines; `DataError` if nothing did."""
    if shown:
        ProgressBar.write(f"{Path(name).name}: {counts}", sys.stderr)
    if not counts.examples:
        raise DataError(f"{name}: no example is left ({counts})")

"""The files of a run, read into examples; what was left out is told, never silent."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tqdm import tqdm

from model.json_lines import DataError, JsonLines
from model.records import Record, RecordReader
from model.training.config import DataConfig, SourceConfig
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
        print(f"{path.name}: {counts}", file=sys.stderr)
        if complaint := reader.complaint():
            print(complaint, file=sys.stderr)
    if not examples:
        raise DataError(f"{path}: no example is left ({counts})")
    return examples


def open_source(source: SourceConfig) -> JsonLines[Any]:
    """The reader of a source's lines."""
    path = Path(source.path)
    if source.kind == "pairs":
        return RecordReader(path, source.on_bad_line, source.style)
    return ProseReader(path, source.on_bad_line)


def texts(source: SourceConfig) -> Iterable[str]:
    """Every text of a source, to train a tokenizer on."""
    for item in open_source(source):
        if isinstance(item, Record):
            yield item.document
            yield item.summary
        else:
            yield item.text


def make_examples(records: Iterable[Record], layout: Layout, data: DataConfig) -> Examples:
    """Examples of records that are in memory already, each of them, cut where they are too long."""
    make, counts = pair_maker(layout, replace(data, too_long="cut")), Counts()
    made = (make(record, counts) for record in records)
    return Examples(example for example in made if example is not None)


def with_progress(items: Iterable[Any], path: Path, shown: bool) -> Iterable[Any]:
    """A bar that counts what is read from a file."""
    return tqdm(items, desc=path.name, unit=" lines", disable=not shown, leave=False)


def _gap_ids(tokenizer_file: Path) -> tuple[int, int]:
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    gap, mask = tokenizer.token_to_id(GAP), tokenizer.token_to_id(MASK)
    if gap is None or mask is None:
        raise DataError(f"{tokenizer_file} has no {GAP} and {MASK}: gap sentences need both")
    return gap, mask

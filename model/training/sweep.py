"""A few hyper-parameters, each value judged on documents that were not learnt from.

K-fold cross-validation: the records are dealt into K parts, and for each part a network is trained
on the others and scored on it. So every record judges once, no file beside the training data is
read, and the test set stays unseen. No network is written: a score is all that is left of one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from model.checkpoints.tokenizing.ensure import TOKENIZER_FILE
from model.data.json_lines import DataError
from model.data.records import Record, RecordReader
from model.progress import ProgressBar
from model.training.beginning import (
    TOKENIZER,
    beginning,
    check_beginning,
    check_room,
    keep_tokenizer,
)
from model.training.config import TrainingConfig, TrainingConfigError, ValidationConfig
from model.training.config_file import changed
from model.training.data import Pairs, make_pairs, tell_bad_lines
from model.training.distributed import Workers
from model.training.layout import Layout, read_layout
from model.training.run import RunData, train
from model.training.validation import Scores

_LAST_STEP = 2**31  # validate at the end alone

# What the scores of a sweep are scores of: with other values they could not be compared.
_ALIKE = ("validation", "tokenizer", "data.sources", "data.max_summary_tokens", "data.too_long")


class SweepStopped(Exception):
    """SIGINT or SIGTERM came: what has been trained so far compares nothing."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"the sweep was stopped by signal {signal}")
        self.signal = signal


Deal = tuple[list[Record], list[Record]]
"""Of one source: the records to learn from and those to judge by."""


@dataclass(frozen=True)
class Point:
    """One choice of values, and the scores it came to, a fold each."""

    changes: tuple[str, ...]
    scores: tuple[Scores, ...]

    def column(self, name: str) -> tuple[float, float] | None:
        """Mean and standard deviation over the folds of a score; None if it was not taken."""
        values = [_value(score, name) for score in self.scores]
        known = [value for value in values if value is not None]
        return (fmean(known), stdev(known)) if known else None

    def to_dict(self) -> dict[str, Any]:
        """What `--json` writes."""
        names = ("loss", "rouge1", "rouge2", "rouge_l")
        columns = {name: column for name in names if (column := self.column(name))}
        return {
            "changes": list(self.changes),
            "mean": {name: column[0] for name, column in columns.items()},
            "standard_deviation": {name: column[1] for name, column in columns.items()},
            "folds": [{name: _value(s, name) for name in columns} for s in self.scores],
        }


def read_grid(choices: Sequence[str]) -> list[tuple[str, ...]]:
    """All combinations of `key=value,value,...` choices, each as a tuple of `key=value`."""
    columns = []
    for choice in choices:
        key, equals, values = choice.partition("=")
        if not equals or not all(value.strip() for value in values.split(",")):
            raise TrainingConfigError(f"{choice!r} is not key=value,value,...")
        if any(f"{key.strip()}.".startswith(f"{alike}.") for alike in _ALIKE):
            raise TrainingConfigError(f"{key} is the same for all that a sweep compares")
        columns.append([f"{key.strip()}={value.strip()}" for value in values.split(",")])
    return list(product(*columns))


def sweep(
    config: TrainingConfig,
    init: Path | None,
    grid: Sequence[tuple[str, ...]],
    folds: int,
    workers: Workers,
    shown: bool,
) -> list[Point]:
    """Train once for each choice and fold; the points in the order of the grid.

    Raises `TrainingConfigError` before any training for a choice that no run can follow, and
    `SweepStopped` where a run was asked to stop.
    """
    check_beginning(config, init)
    keys = {change.partition("=")[0] for changes in grid for change in changes}
    if config.data.too_long != "cut" and "data.max_document_tokens" in keys:
        raise TrainingConfigError(
            "data.max_document_tokens can be compared where data.too_long is 'cut': otherwise it "
            "decides which documents take part"
        )
    configs = [_without_file(changed(config, changes)) for changes in grid]
    if folds < 2:
        raise TrainingConfigError(f"folds must be at least 2, not {folds}")
    with _tokenizer(config, init) as directory:
        records = _records(config, _layout(config, init, directory), folds, shown)
        deals = [
            [_deal(source, (fold, folds), config.seed) for source in records]
            for fold in range(folds)
        ]
        with ProgressBar(desc="runs", total=len(configs) * folds, disable=not shown) as bar:

            def scored(choice: TrainingConfig, deal: Sequence[Deal]) -> Scores:
                scores = _run_fold(choice, init, directory, deal, workers)
                bar.update()
                return scores

            return [
                Point(changes, tuple(scored(choice, deal) for deal in deals))
                for changes, choice in zip(grid, configs, strict=True)
            ]


def table(points: Sequence[Point]) -> str:
    """The points as a Markdown table, the lowest loss first."""
    names = [name for name in ("loss", "rouge_l") if points[0].column(name)]
    lines = [f"| {' | '.join(['values', *names])} |", f"|{' --- |' * (len(names) + 1)}"]
    for point in sorted(points, key=lambda point: point.column("loss") or (0.0, 0.0)):
        columns = [point.column(name) or (0.0, 0.0) for name in names]
        cells = [f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in columns]
        lines.append(f"| {' | '.join([', '.join(point.changes), *cells])} |")
    return "\n".join(lines)


def _run_fold(
    config: TrainingConfig,
    init: Path | None,
    directory: Path,
    deal: Sequence[Deal],
    workers: Workers,
) -> Scores:
    model = beginning(config, directory, init)
    layout = read_layout(directory / TOKENIZER / TOKENIZER_FILE, model.config, init)
    check_room(config, model.config, layout)

    def pairs(records: Sequence[Record]) -> Pairs:
        return make_pairs(records, layout, config.data, "a fold", shown=False)

    data = RunData(
        [pairs(learnt).examples for learnt, _ in deal],
        pairs([record for _, judged in deal for record in judged]),
    )
    result = train(config, directory, model, layout, data, workers, shown=False, saves=False)
    if result.stopped_by is not None:
        raise SweepStopped(result.stopped_by)
    assert result.position.last is not None
    return result.position.last


def _deal(records: Sequence[Record], fold: tuple[int, int], seed: int) -> Deal:
    """The records to learn from and those to judge by."""
    number, count = fold
    order = np.random.default_rng((seed, 3)).permutation(len(records))
    judged = set(order[number::count].tolist())
    learnt = [record for index, record in enumerate(records) if index not in judged]
    return learnt, [record for index, record in enumerate(records) if index in judged]


def _records(config: TrainingConfig, layout: Layout, folds: int, shown: bool) -> list[list[Record]]:
    """The records of each source, without those that are too long if these are dropped."""
    found = []
    for source in config.data.sources:
        if source.kind != "pairs":
            raise TrainingConfigError(f"{source.path}: a sweep deals pairs, not {source.kind}")
        reader = RecordReader(Path(source.path), source.on_bad_line, source.style)
        records = make_pairs(reader, layout, config.data, source.path, shown).records
        if shown:
            tell_bad_lines(reader)
        if len(records) < folds:
            raise DataError(f"{source.path}: {len(records)} records are too few for {folds} folds")
        found.append(list(records))
    return found


def _layout(config: TrainingConfig, init: Path | None, directory: Path) -> Layout:
    model = beginning(config, directory, init)
    return read_layout(directory / TOKENIZER / TOKENIZER_FILE, model.config, init)


def _without_file(config: TrainingConfig) -> TrainingConfig:
    rouge_documents = config.validation.rouge_documents if config.validation else 0
    return replace(
        config,
        validation=ValidationConfig(
            path="", every_steps=_LAST_STEP, rouge_documents=rouge_documents
        ),
        saving=replace(config.saving, log_every_steps=_LAST_STEP),
    )


@contextmanager
def _tokenizer(config: TrainingConfig, init: Path | None) -> Iterator[Path]:
    with TemporaryDirectory(prefix="sweep-") as directory:
        keep_tokenizer(config, init, Path(directory) / TOKENIZER, shown=False)
        yield Path(directory)


def _value(scores: Scores, name: str) -> float | None:
    if name == "loss":
        return scores.loss
    return getattr(scores.rouge, name, None)

"""A few hyper-parameters, each value judged on documents that were not learnt from.

K-fold cross-validation: the records are dealt into K parts, and for each part a network is trained
on the others and scored on it. So every record judges once, no file beside the training data is
read, and the test set stays unseen.
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
from tqdm import tqdm

from model.json_lines import DataError
from model.records import Record, RecordReader
from model.tokenizing.ensure import TOKENIZER_FILE
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
from model.training.layout import read_layout
from model.training.run import RunData, train
from model.training.validation import Scores

_LAST_STEP = 2**31  # validate and save at the end alone


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
        if key.split(".")[0] in ("validation", "tokenizer"):
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

    Raises `TrainingConfigError` before any training for a choice that no run can follow.
    """
    check_beginning(config, init)
    configs = [_without_file(changed(config, changes)) for changes in grid]
    records = _records(config, folds, shown)
    total = len(configs) * folds
    with _tokenizer(config, init) as directory, tqdm(total=total, disable=not shown) as bar:
        bar.set_description("runs")

        def scored(choice: TrainingConfig, fold: int) -> Scores:
            told = shown and not fold  # what is left out of the first fold: the others lose as much
            scores = _run_fold(choice, init, directory, records, (fold, folds), workers, told)
            bar.update()
            return scores

        return [
            Point(changes, tuple(scored(choice, fold) for fold in range(folds)))
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
    records: Sequence[Sequence[Record]],
    fold: tuple[int, int],
    workers: Workers,
    told: bool,
) -> Scores:
    model = beginning(config, directory, init)
    layout = read_layout(directory / TOKENIZER / TOKENIZER_FILE, model.config, init)
    check_room(config, model.config, layout)
    parts = [_deal(source, fold, config.seed) for source in records]
    judged = [record for _, part in parts for record in part]

    def pairs(records: Sequence[Record], name: str) -> Pairs:
        return make_pairs(records, layout, config.data, name, told)

    data = RunData(
        [
            pairs(learnt, source.path).examples
            for source, (learnt, _) in zip(config.data.sources, parts, strict=True)
        ],
        pairs(judged, "judged by"),
    )
    position = train(config, directory, model, layout, data, workers, shown=False).position
    assert position.last is not None
    return position.last


def _deal(
    records: Sequence[Record], fold: tuple[int, int], seed: int
) -> tuple[list[Record], list[Record]]:
    """The records to learn from and those to judge by; alike for every choice of values."""
    number, count = fold
    order = np.random.default_rng((seed, 3)).permutation(len(records))
    judged = set(order[number::count].tolist())
    learnt = [record for index, record in enumerate(records) if index not in judged]
    return learnt, [record for index, record in enumerate(records) if index in judged]


def _records(config: TrainingConfig, folds: int, shown: bool) -> list[list[Record]]:
    if folds < 2:
        raise TrainingConfigError(f"folds must be at least 2, not {folds}")
    found = []
    for source in config.data.sources:
        if source.kind != "pairs":
            raise TrainingConfigError(f"{source.path}: a sweep deals pairs, not {source.kind}")
        reader = RecordReader(Path(source.path), source.on_bad_line, source.style)
        records = list(reader)
        if shown:
            tell_bad_lines(reader)
        if len(records) < folds:
            raise DataError(f"{source.path}: {len(records)} records are too few for {folds} folds")
        found.append(records)
    return found


def _without_file(config: TrainingConfig) -> TrainingConfig:
    rouge_documents = config.validation.rouge_documents if config.validation else 0
    return replace(
        config,
        validation=ValidationConfig(
            path="", every_steps=_LAST_STEP, rouge_documents=rouge_documents
        ),
        saving=replace(config.saving, every_steps=_LAST_STEP, log_every_steps=_LAST_STEP),
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

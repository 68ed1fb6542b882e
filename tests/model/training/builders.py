"""Small runs, data and layouts; each test states only what it varies."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from model.training.config import TrainingConfig
from model.training.config_file import changed, read_training_config
from model.training.distributed import Workers
from model.training.examples import Example, Examples
from tests.model.factories import DATA, ROOT

TINY_CONFIG = ROOT / "configs" / "tiny.toml"
ALONE = Workers(0, 1, torch.device("cpu"))

_WITHOUT_ROUGE = "validation.rouge_documents=0"


def make_config(*changes: str, drop: Sequence[str] = ()) -> TrainingConfig:
    """configs/tiny.toml with changes, without some sections, and without summaries to score."""
    config = read_training_config(TINY_CONFIG, [_WITHOUT_ROUGE])
    values = json.loads(config.to_json())
    kept = {name: value for name, value in values.items() if name not in drop}
    return changed(TrainingConfig.from_json(json.dumps(kept)), changes)


def make_examples(lengths: Sequence[tuple[int, int]], name: str = "") -> Examples:
    """Examples of these (source, target) lengths, whose ids are their numbers."""
    return Examples(
        Example(f"{name}{number}", [8 + number % 24] * source, [9 + number % 24] * target)
        for number, (source, target) in enumerate(lengths)
    )


def write_json_lines(path: Path, values: Iterable[object]) -> Path:
    """A data file."""
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def read_csv_column(path: Path, name: str) -> list[str]:
    """A column of a log, as it was written."""
    header, *rows = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    return [row[header.index(name)] for row in rows]


__all__ = ["ALONE", "DATA", "TINY_CONFIG", "make_config", "make_examples", "read_csv_column"]

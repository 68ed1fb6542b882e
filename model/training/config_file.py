"""A training run's TOML file, and changes to it by `key=value`.

An unknown key, a value of the wrong type or out of range is refused by its path.
"""

import json
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bundle.strict_json import parse
from model.training.config import TrainingConfig, TrainingConfigError

CHANGEABLE = (
    "schedule.*",
    "saving.*",
    "optimizer.learning_rate",
    "optimizer.weight_decay",
    "optimizer.gradient_clip",
    "optimizer.label_smoothing",
    "optimizer.skip_non_finite",
    "validation.every_steps",
    "validation.patience",
    "batches.accumulate",
    "precision",
    "dropout",
)
"""What may change while a run is interrupted. What decides the order of the examples, what is
trained or what scores are compared may not: the state that was saved belongs to it."""


def read_training_config(path: Path, changes: Sequence[str] = ()) -> TrainingConfig:
    """Read a run's TOML file, with `key=value` changes put in its place.

    Paths in it are relative to the folder that the file lies in, and absolute from then on.
    Raises `TrainingConfigError`.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
        for change in changes:
            _change(values, change)
        for place in _places_of_paths(values):
            if isinstance(place.get("path"), str):
                place["path"] = str((path.parent / place["path"]).resolve())
        return parse(TrainingConfig, values, path.name)
    except (OSError, ValueError) as error:
        raise TrainingConfigError(f"{path}: {error}") from error


def changed(config: TrainingConfig, changes: Sequence[str]) -> TrainingConfig:
    """The configuration with `key=value` changes, such as `optimizer.learning_rate=1e-4`."""
    values = json.loads(config.to_json())
    for change in changes:
        _change(values, change)
    return parse(TrainingConfig, values, "the changed configuration")


def continued(config: TrainingConfig, changes: Sequence[str]) -> TrainingConfig:
    """The same for a run that is gone on with. Raises `TrainingConfigError` outside `CHANGEABLE`.

    None of those keys holds a path, so there is no folder that a path could be relative to.
    """
    keys = [change.partition("=")[0].strip() for change in changes]
    fixed = [key for key in keys if not any(fnmatchcase(key, one) for one in CHANGEABLE)]
    if fixed:
        raise TrainingConfigError(
            f"--resume cannot change {', '.join(fixed)}; it can change {', '.join(CHANGEABLE)}"
        )
    return changed(config, changes)


def _change(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    *parents, name = key.strip().split(".")
    if not equals or not name:
        raise TrainingConfigError(f"{change!r} is not key=value")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise TrainingConfigError(f"{change!r}: {parent} has no keys of its own")
    try:
        values[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        values[name] = text.strip()  # a bare word: --set precision=bf16


def _places_of_paths(values: dict[str, Any]) -> list[dict[str, Any]]:
    data, validation = values.get("data"), values.get("validation")
    sources = data.get("sources") if isinstance(data, dict) else None
    places = [*(sources if isinstance(sources, list) else []), validation]
    return [place for place in places if isinstance(place, dict)]

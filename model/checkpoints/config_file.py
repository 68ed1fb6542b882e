"""`config.json` of any family we know, read as a `ModelConfig` and written back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoints.families import family_of, find
from model.network.config import ConfigError, ModelConfig


def read_config(path: Path) -> ModelConfig:
    """Reads a `config.json`; what is no JSON raises `ConfigError` too."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} holds no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds a {type(values).__name__}, not an object")
    return config_from(values)


def config_from(values: Mapping[str, Any]) -> ModelConfig:
    """Reads a parsed `config.json`.

    Raises `ConfigError` naming an unknown architecture, a missing key, or a value that the network
    would not honour.
    """
    return find(values).read(values)


def config_values(config: ModelConfig) -> dict[str, Any]:
    """Gives the `config.json` that `config_from` reads back as an equal config."""
    return family_of(config).write(config)

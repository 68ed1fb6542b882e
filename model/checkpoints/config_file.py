"""`config.json` of any family we know, read as a `ModelConfig` and written back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoints.families import family_of, find
from model.checkpoints.json_files import read_object
from model.network.config import ModelConfig


def read_config(path: Path) -> ModelConfig:
    """Reads a `config.json`; what is no JSON raises `ConfigError` too."""
    return config_from(read_object(path))


def config_from(values: Mapping[str, Any]) -> ModelConfig:
    """Reads a parsed `config.json`.

    Raises `ConfigError` naming an unknown architecture, a missing key, or a value that the network
    would not honour.
    """
    return find(values).read(values)


def config_values(config: ModelConfig) -> dict[str, Any]:
    """Gives the `config.json` that `config_from` reads back as an equal config."""
    return family_of(config).write(config)

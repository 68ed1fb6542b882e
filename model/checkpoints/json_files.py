"""Reading the JSON files of a checkpoint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.network.config import ConfigError


def read_object(path: Path) -> Mapping[str, Any]:
    """The object that a file holds; raises `ConfigError` naming the file if it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON in UTF-8: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds a {type(content).__name__}, not an object")
    return content

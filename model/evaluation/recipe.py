"""What an evaluation depends on, told beside its figures."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bundle.processor import instruction_set
from model.evaluation.rule import MAX_CHARACTERS, MAX_DOCUMENT_TOKENS

_PACKAGES = ("torch", "onnxruntime", "tokenizers", "rouge-score", "numpy")


def recipe(data: Path, **settings: Any) -> dict[str, Any]:
    """The data by its checksum, the scoring rule, the versions, and the settings of a run."""
    return {
        "data": data.name,
        "data_sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
        **settings,
        "max_characters": MAX_CHARACTERS,
        "max_document_tokens": MAX_DOCUMENT_TOKENS,
        "decoding": "greedy",
        "instruction_set": instruction_set(),
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

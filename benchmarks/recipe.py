"""What a figure depends on, told beside it."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bundle.processor import instruction_set

_PACKAGES = ("onnxruntime", "torch", "grpcio", "tokenizers", "numpy")


def recipe(**settings: Any) -> dict[str, Any]:
    """The machine, the versions and the settings of a run."""
    return {
        "commit": _commit(),
        "cpu": _cpu_model(),
        "instruction_set": instruction_set(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{package: _version(package) for package in _PACKAGES},
        **settings,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return outcome.stdout.strip() or "unknown"

"""The models on the machine that measures: prepared ones made whole, in folders of one home."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from safetensors.numpy import load_file, save_file

from benchmarks.cpu.make import make_headless
from benchmarks.gpu.draw import draw_all
from benchmarks.gpu.floor import StepBytes, read_step_bytes
from benchmarks.gpu.geometry import DEFAULT_CHECKPOINT, GEOMETRIES, folder_of
from benchmarks.gpu.thin import fill

_SHAPES, _FLOOR, _WEIGHTS = "shapes.json", "floor.json", "model.safetensors"


class MaterialError(RuntimeError):
    """A model could not be made, so nobody can be measured with it."""


class Materials:
    """Prepared models under HOME/prepared/PRECISION, whole ones under HOME/models/PRECISION."""

    def __init__(self, home: Path, precision: str) -> None:
        self._prepared = home / "prepared" / precision
        self._whole = home / "models" / precision
        self._precision = precision

    def prepare(self, geometries: Iterable[str]) -> None:
        """All that needs no GPU, in a process each."""
        for geometry in geometries:
            target = self._prepared / folder_of(geometry)
            sys.stderr.write(f"preparing {target} ...\n")
            command = [sys.executable, "-m", "benchmarks.gpu.prepare"]
            command += [geometry, self._precision, str(target)]
            outcome = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own module
            if outcome.returncode:
                shutil.rmtree(target, ignore_errors=True)
                raise MaterialError(f"{geometry}: {_last_line(outcome.stderr)}")

    def is_prepared(self, geometry: str) -> bool:
        """Whether its graphs are there."""
        return (self._prepared / folder_of(geometry) / _FLOOR).is_file()

    def make(self, geometry: str) -> None:
        """Prepares it if nobody has, and gives it its weights."""
        if not self.is_prepared(geometry):
            self.prepare([geometry])
        prepared, target = self._prepared / folder_of(geometry), self.bundle(geometry).parent
        if (target / "bundle").is_dir():
            return
        checkpoint = self.checkpoint(geometry)
        checkpoint.mkdir(parents=True, exist_ok=True)
        if GEOMETRIES[geometry].bart_sizes is None:
            tensors = load_file(DEFAULT_CHECKPOINT / _WEIGHTS)
            # What peers can have of it: they know no copy head.
            make_headless(DEFAULT_CHECKPOINT, checkpoint)
        else:
            tensors = draw_all(json.loads((prepared / _SHAPES).read_text("utf-8")))
            shutil.copytree(prepared / "checkpoint", checkpoint, dirs_exist_ok=True)
            save_file(tensors, checkpoint / _WEIGHTS, metadata={"format": "pt"})
        # Last, and in a moment: where it is, all is.
        fill(prepared / "bundle", target / "filling", tensors)
        (target / "filling").rename(target / "bundle")

    def bundle(self, geometry: str) -> Path:
        """Our bundle."""
        return self._whole / folder_of(geometry) / "bundle"

    def checkpoint(self, geometry: str) -> Path:
        """The same weights as others read them."""
        return self._whole / folder_of(geometry) / "checkpoint"

    def step_bytes(self, geometry: str) -> StepBytes:
        """What a step over it must read."""
        return read_step_bytes(self._prepared / folder_of(geometry) / _FLOOR)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"

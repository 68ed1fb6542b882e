"""The models on the machine that measures: prepared ones made whole, in folders of one home."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from itertools import chain
from pathlib import Path

from safetensors.numpy import load_file, save_file

from benchmarks.cpu.make import make_headless
from benchmarks.gpu.deadline import Deadline
from benchmarks.gpu.draw import draw_all
from benchmarks.gpu.floor import StepBytes, read_step_bytes
from benchmarks.gpu.geometry import DEFAULT_CHECKPOINT, GEOMETRIES, folder_of
from benchmarks.gpu.thin import fill

_SHAPES, _FLOOR, _WEIGHTS = "shapes.json", "floor.json", "model.safetensors"
STAMP = ".made"
_MAKERS = ("bundle", "export", "model")
_OWN_MAKERS = ("draw.py", "geometry.py", "prepare.py", "thin.py")
_SHARED_MAKERS = ("random_recipe.py", "tiny_sizes.py")


class MaterialError(RuntimeError):
    """A model could not be made, so nobody can be measured with it."""


class Materials:
    """Prepared models under HOME/prepared/PRECISION, whole ones under HOME/models/PRECISION."""

    def __init__(self, home: Path, precision: str) -> None:
        self._prepared = home / "prepared" / precision
        self._whole = home / "models" / precision
        self._precision = precision

    def prepare(self, geometries: Iterable[str], within: Deadline | None = None) -> None:
        """All that needs no GPU, in a process each; what is there and up to date is left alone."""
        for geometry in geometries:
            target = self._prepared / folder_of(geometry)
            if self.is_prepared(geometry):
                continue
            sys.stderr.write(f"preparing {target} ...\n")
            command = [sys.executable, "-m", "benchmarks.gpu.prepare"]
            command += [geometry, self._precision, str(target)]
            outcome = subprocess.run(  # noqa: S603 - our own module
                command,
                check=False,
                capture_output=True,
                text=True,
                timeout=None if within is None else within.left_s,
            )
            if outcome.returncode:
                raise MaterialError(f"{geometry}: {_last_line(outcome.stderr)}")
            # Last: where it is, all is.
            (target / STAMP).write_text(stamp(), "utf-8")

    def is_prepared(self, geometry: str) -> bool:
        """Whether its graphs are there, as the sources that lie here make them."""
        return _is_stamped(self._prepared / folder_of(geometry))

    def make(self, geometry: str, within: Deadline) -> None:
        """Prepares it if nobody has, and gives it its weights."""
        self.prepare([geometry], within)
        prepared, target = self._prepared / folder_of(geometry), self.bundle(geometry).parent
        if _is_stamped(target):
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
        fill(prepared / "bundle", target / "bundle", tensors)
        (target / STAMP).write_text(stamp(), "utf-8")

    def bundle(self, geometry: str) -> Path:
        """Our bundle."""
        return self._whole / folder_of(geometry) / "bundle"

    def checkpoint(self, geometry: str) -> Path:
        """The same weights as others read them."""
        return self._whole / folder_of(geometry) / "checkpoint"

    def step_bytes(self, geometry: str) -> StepBytes:
        """What a step over it must read."""
        return read_step_bytes(self._prepared / folder_of(geometry) / _FLOOR)


def _is_stamped(folder: Path) -> bool:
    file = folder / STAMP
    return file.is_file() and file.read_text("utf-8") == stamp()


@cache
def stamp() -> str:
    """A digest of all that decides what a prepared model is."""
    digest = hashlib.sha256()
    files = chain.from_iterable(Path(maker).rglob("*.py") for maker in _MAKERS)
    here = Path(__file__).parent
    own = [here / name for name in _OWN_MAKERS] + [here.parent / name for name in _SHARED_MAKERS]
    for file in sorted([*files, *own]):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"

"""The models of a tour: made once, kept in a folder, and made anew when what makes them changed."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu import cases

_CHECKPOINT = Path("models/default/checkpoint")
_STAMP = ".made"
# What decides the content of our bundles.
_MAKERS_OF_BUNDLES = ("bundle", "export", "model")
_SHARED_MAKERS = (Path("benchmarks/family_checkpoints.py"), Path("benchmarks/tiny_sizes.py"))


@dataclass(frozen=True)
class Geometry:
    """Where a model comes from, and what it costs, roughly: for the remaining time only."""

    # A random checkpoint of this name; None: the embedded default.
    random: str | None
    # With the copy head, in our bundles; peers cannot have it.
    copy_head: bool
    seconds_per_source_token: float
    seconds_per_token: float

    @property
    def reads_text(self) -> bool:
        """Whether real documents mean anything to it."""
        return self.random is None


GEOMETRIES = {
    cases.DISTILBART: Geometry("DistilBART-12-6", False, 4.5e-4, 4.4e-3),
    cases.BART_BASE: Geometry("BART-base", False, 1.2e-4, 2e-3),
    cases.DEFAULT: Geometry(None, True, 5e-5, 1.2e-3),
    cases.HEADLESS: Geometry(None, False, 5e-5, 1e-3),
    cases.TINY: Geometry("BART", False, 1e-6, 1e-3),
}


class Models:
    """Finds or makes the folder of each model."""

    def __init__(self, home: Path, peers_python: Callable[[], Path]) -> None:
        self._home = home
        self._peers_python = peers_python
        self._failed: dict[Path, MakeError] = {}

    def path(self, geometry: str, form: str) -> Path:
        """A folder by geometry and form: `checkpoint`, `ours-int8`, `ctranslate2-int8`, ..."""
        facts = GEOMETRIES[geometry]
        is_ours = form.startswith("ours-")
        if facts.random is None and facts.copy_head:
            if not is_ours:
                return self.path(cases.HEADLESS, form)
            return self._bundle(geometry, form, _CHECKPOINT)
        checkpoint = self._checkpoint(geometry, facts)
        if form == "checkpoint":
            return checkpoint
        if is_ours:
            return self._bundle(geometry, form, checkpoint)
        module = "export_optimum" if form == "optimum" else "convert_ctranslate2"
        command = [str(self._peers_python()), "-m", f"benchmarks.peers.{module}", str(checkpoint)]
        peers = Path(__file__).parent.parent / "peers"
        return self._made(geometry, form, command, stamp=_digest([peers / f"{module}.py"]))

    def _checkpoint(self, geometry: str, facts: Geometry) -> Path:
        what = ["headless", str(_CHECKPOINT)]
        if facts.random is not None:
            what = ["checkpoint", facts.random]
        makers = [Path(__file__).parent / "make.py", *_SHARED_MAKERS]
        return self._made(geometry, "checkpoint", _make(*what), stamp=_digest(makers))

    def _bundle(self, geometry: str, form: str, checkpoint: Path) -> Path:
        sources = [file for maker in _MAKERS_OF_BUNDLES for file in Path(maker).rglob("*.py")]
        command = _make("bundle", str(checkpoint))
        return self._made(geometry, form, command, stamp=_digest(sorted(sources)))

    def _made(self, geometry: str, form: str, command: Sequence[str], *, stamp: str) -> Path:
        """Runs a command, which gets the folder as its last argument, unless it ran before."""
        target = self._home / geometry.replace(" ", "-") / form
        if (target / _STAMP).is_file() and (target / _STAMP).read_text("utf-8") == stamp:
            return target
        if target in self._failed:
            raise self._failed[target]
        sys.stderr.write(f"making {target} ...\n")
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        outcome = subprocess.run(  # noqa: S603 - our own modules
            [*command, str(target)], check=False, capture_output=True, text=True
        )
        if outcome.returncode:
            self._failed[target] = MakeError(
                f"{target} could not be made: {_last_line(outcome.stderr)}"
            )
            raise self._failed[target]
        (target / _STAMP).write_text(stamp, "utf-8")
        return target


class MakeError(RuntimeError):
    """A model could not be made, so who needs it cannot take part."""


def _make(*what: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.cpu.make", *what]


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"

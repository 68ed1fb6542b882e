"""Checkpoints that are whole or not there.

    runs/x/step-00001200/    config.json, model.safetensors, tokenizer files, training_state.pt
    runs/x/last -> step-00001200
    runs/x/best -> step-00000800

A checkpoint is written beside the others under a name of its own, flushed to the disk and only then
given its name; `last` and `best` are links, and a link is changed in one step. A kill or a full
disk at any moment leaves the checkpoints there were: nothing is removed before both links stand,
and `point_best` makes good a kill between the two.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

STATE_FILE = "training_state.pt"
LAST, BEST = "last", "best"

_UNFINISHED = ".unfinished"


class SaveError(OSError):
    """A checkpoint could not be written; the message says which one there still is."""


class ResumeError(ValueError):
    """A run cannot be gone on with; the message says why."""


def save_step(
    run: Path, step: int, write: Callable[[Path], None], state: dict[str, Any], is_best: bool
) -> Path:
    """Write the checkpoint of a step, point `last` (and `best`) to it, remove what they left.

    `write(directory)` writes the model. Raises `SaveError`, with the old checkpoints untouched.
    """
    final = run / _name(step)
    unfinished = run / f"{final.name}{_UNFINISHED}"
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        write(unfinished)
        torch.save(state, unfinished / STATE_FILE)
        for path in sorted(unfinished.iterdir()):
            _flush(path)
        _flush(unfinished)
        shutil.rmtree(final, ignore_errors=True)  # of a run that was gone on with from before it
        unfinished.rename(final)
        _flush(run)
    # A full disk is an OSError, or whatever PyTorch and safetensors make of one.
    except Exception as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        kept = f"{run / LAST} is still {os.readlink(run / LAST)}" if (run / LAST).exists() else ""
        raise SaveError(
            f"the checkpoint of step {step} could not be saved ({error}); "
            f"{kept or 'there is none before it'}"
        ) from error
    try:
        for name in (LAST, BEST) if is_best else (LAST,):
            _point(run / name, final.name)
        _flush(run)
    except OSError as error:
        raise SaveError(
            f"{final} was saved, but a link could not be pointed to it ({error}); {_links(run)}"
        ) from error
    _remove_all_but_linked(run)
    return final


def point_best(run: Path, step: int) -> None:
    """Point `best` to the checkpoint of a step, as the state of the run says.

    It does not yet if the run was killed after it had pointed `last` there.
    """
    if (run / _name(step)).is_dir():
        _point(run / BEST, _name(step))


def replace_text(path: Path, text: str) -> None:
    """Write a file that is there with all of the text, or as it was."""
    unfinished = path.with_name(f"{path.name}{_UNFINISHED}")
    unfinished.write_text(text, encoding="utf-8")
    _flush(unfinished)
    unfinished.replace(path)


def load_state(run: Path) -> dict[str, Any]:
    """The state that the last checkpoint of a run was saved with. Raises `ResumeError`."""
    path = run / LAST / STATE_FILE
    if not path.is_file():
        raise ResumeError(f"{run} has no {LAST}/{STATE_FILE} to go on from")
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken archive is any of several
        raise ResumeError(f"{path} cannot be read: {error}") from error
    return state


def _remove_all_but_linked(run: Path) -> None:
    linked = {os.readlink(run / name) for name in (LAST, BEST) if (run / name).is_symlink()}
    for path in run.glob("step-*"):
        if path.name not in linked:
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != os.readlink(run / LAST):
            (path / STATE_FILE).unlink(missing_ok=True)  # nobody goes on from there


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _links(run: Path) -> str:
    links = [run / name for name in (LAST, BEST) if (run / name).is_symlink()]
    return ", ".join(f"{link} is {os.readlink(link)}" for link in links) or "there is none yet"


def _point(link: Path, target: str) -> None:
    temporary = link.with_name(f"{link.name}{_UNFINISHED}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

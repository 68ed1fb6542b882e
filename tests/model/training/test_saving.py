"""A checkpoint is whole or not there, whatever happens while it is written."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from model.training import saving
from model.training.saving import (
    STATE_FILE,
    ResumeError,
    SaveError,
    load_state,
    point_best,
    save_step,
)
from tests.model.factories import make_model


def write_text(text: str) -> Callable[[Path], None]:
    return lambda directory: (directory / "model").write_text(text) and None


def fail(directory: Path) -> None:
    (directory / "model").write_text("half a mod")
    raise OSError(28, "No space left on device")


def failing_for(name: str, error: BaseException) -> Callable[[Path, str], None]:
    """`saving._point`, but for the link of this name."""
    point = saving._point

    def failing(link: Path, target: str) -> None:
        if link.name == name:
            raise error
        point(link, target)

    return failing


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Within this no file can grow past `size` bytes: a full disk, to those who write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(run: Path) -> list[str]:
    return sorted(path.name for path in run.iterdir())


def test_last_and_best_point_to_whole_checkpoints_and_others_go(tmp_path: Path) -> None:
    for step, is_best in [(1, False), (2, True), (3, False), (4, False)]:
        save_step(tmp_path, step, write_text(f"{step}"), {"step": step}, is_best)
    assert names(tmp_path) == ["best", "last", "step-00000002", "step-00000004"]
    assert (tmp_path / "best" / "model").read_text() == "2"
    assert (tmp_path / "last" / "model").read_text() == "4"
    assert load_state(tmp_path) == {"step": 4}
    assert not (tmp_path / "best" / STATE_FILE).exists()  # nobody goes on from there


def test_a_writer_that_fails_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    save_step(tmp_path, 1, write_text("old"), {"step": 1}, is_best=True)
    with pytest.raises(SaveError, match=r"step 2 .*No space left.*still step-00000001"):
        save_step(tmp_path, 2, fail, {"step": 2}, is_best=True)
    assert names(tmp_path) == ["best", "last", "step-00000001"]
    assert load_state(tmp_path) == {"step": 1}


@pytest.mark.parametrize("size", [2_000, 40_000], ids=["the weights", "the state"])
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, size: int) -> None:
    model = make_model()

    def write(directory: Path) -> None:
        save_checkpoint(model, directory, torch.float16)

    save_step(tmp_path, 1, write, {"step": 1}, is_best=True)
    assert (tmp_path / "last" / "model.safetensors").stat().st_size < 40_000
    with disk_of(size), pytest.raises(SaveError, match="still step-00000001"):
        save_step(tmp_path, 2, write, {"step": 2, "network": model.state_dict()}, is_best=True)
    assert names(tmp_path) == ["best", "last", "step-00000001"]
    assert load_state(tmp_path) == {"step": 1}
    load_checkpoint(tmp_path / "last")


def test_the_first_checkpoint_that_fails_says_that_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="there is none before it"):
        save_step(tmp_path, 1, fail, {}, is_best=False)
    assert names(tmp_path) == []


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "step-00000001.unfinished").mkdir()
    (tmp_path / "last.unfinished").symlink_to("nowhere")
    save_step(tmp_path, 1, write_text("new"), {}, is_best=False)
    assert names(tmp_path) == ["last", "step-00000001"]
    assert os.readlink(tmp_path / "last") == "step-00000001"


def test_a_kill_between_the_two_links_loses_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_step(tmp_path, 3, write_text("worse"), {}, is_best=True)
    with monkeypatch.context() as patch:
        patch.setattr(saving, "_point", failing_for("best", KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            save_step(tmp_path, 6, write_text("better"), {}, is_best=True)
    assert os.readlink(tmp_path / "best") == "step-00000003"

    point_best(tmp_path, 6)
    save_step(tmp_path, 9, write_text("worse again"), {}, is_best=False)
    assert (tmp_path / "best" / "model").read_text() == "better"
    assert names(tmp_path) == ["best", "last", "step-00000006", "step-00000009"]


def test_a_link_that_cannot_be_made_is_said_with_what_the_links_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_step(tmp_path, 1, write_text("old"), {}, is_best=True)
    monkeypatch.setattr(saving, "_point", failing_for("best", OSError(28, "No space left")))
    with pytest.raises(SaveError, match=r"2 was saved, .*last is step-00000002, .*best is .*1$"):
        save_step(tmp_path, 2, write_text("new"), {}, is_best=True)


def test_nothing_to_go_on_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResumeError, match=r"no last/training_state\.pt"):
        load_state(tmp_path)


def test_a_state_that_is_broken_is_refused_by_name(tmp_path: Path) -> None:
    save_step(tmp_path, 1, write_text("x"), {"step": 1}, is_best=False)
    path = tmp_path / "last" / STATE_FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ResumeError, match=r"training_state\.pt cannot be read"):
        load_state(tmp_path)

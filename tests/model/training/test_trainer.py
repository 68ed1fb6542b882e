"""Runs of seconds: they learn, and stopping one, however it ends, changes nothing of its curve."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from model.checkpoint import load_checkpoint
from model.text_summarizer import TextSummarizer
from model.training.run import resume_run, start_run
from model.training.saving import ResumeError, SaveError
from model.training.trainer import NonFiniteLoss
from tests.model.factories import ROOT
from tests.model.training.builders import ALONE, TINY_CONFIG, make_config, read_csv_column

CURVE = ("step", "examples", "tokens", "loss", "learning_rate", "gradient_norm")


def curve(run: Path) -> list[list[str]]:
    return [read_csv_column(run / "log.csv", name) for name in CURVE]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "last").state_dict()


def assert_same_run(one: Path, other: Path) -> None:
    assert curve(one) == curve(other)  # as text: to the last bit
    assert read_csv_column(one / "validation.csv", "loss") == read_csv_column(
        other / "validation.csv", "loss"
    )
    expected = weights(other)
    assert all(torch.equal(value, expected[name]) for name, value in weights(one).items())


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from its first step to its last without a break."""
    run = tmp_path_factory.mktemp("runs") / "straight"
    start_run(make_config(), run, None, ALONE, shown=False)
    return run


def test_a_run_leaves_a_checkpoint_that_summarises(straight: Path) -> None:
    summarizer = TextSummarizer(straight / "best")
    assert summarizer.styles == ["brief", "headline"]
    assert len(read_csv_column(straight / "log.csv", "loss")) == 12
    assert read_csv_column(straight / "validation.csv", "step") == ["0", "6", "12"]


def test_a_run_learns(tmp_path: Path) -> None:
    config = make_config("schedule.steps=40", "dropout=0.0", "validation.every_steps=40")
    result = start_run(config, tmp_path / "run", None, ALONE, shown=False)
    assert result.ending == "finished"
    assert result.position.first is not None
    assert result.position.best is not None
    assert result.position.best.loss < result.position.first.loss - 0.3


def test_a_run_that_was_killed_goes_on_to_the_same_end(straight: Path, tmp_path: Path) -> None:
    run = tmp_path / "killed"
    arguments = ["--config", str(TINY_CONFIG), "--set", "validation.rouge_documents=0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "model", "train", "--output", str(run), *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Some way past the checkpoint of step 6: what came after it is lost and done again.
    while not (run / "log.csv").exists() or (run / "log.csv").read_text().count("\n") < 9:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert (run / "last").readlink().name == "step-00000006"

    resume_run(run, [], ALONE, shown=False)
    assert_same_run(run, straight)


def test_a_run_that_is_asked_to_stop_saves_and_goes_on_to_the_same_end(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "stopped"
    taken = 0
    backward = torch.Tensor.backward

    def interrupting(self: torch.Tensor) -> None:
        nonlocal taken
        taken += 1
        if taken == 4:
            signal.raise_signal(signal.SIGTERM)
        backward(self)

    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "backward", interrupting)
        result = start_run(make_config(), run, None, ALONE, shown=False)
    assert (result.ending, result.stopped_by) == ("stopped", signal.SIGTERM)
    assert (run / "last").readlink().name == "step-00000004"

    assert resume_run(run, [], ALONE, shown=False).ending == "finished"
    assert_same_run(run, straight)


def test_a_run_that_was_killed_between_its_links_keeps_its_best_checkpoint(
    straight: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(straight, run, symlinks=True)
    best = (run / "best").readlink()
    (run / "best").unlink()
    (run / "best").symlink_to("step-00000003")
    assert resume_run(run, [], ALONE, shown=False).ending == "finished"
    assert (run / "best").readlink() == best


def test_a_loss_that_stays_infinite_ends_the_run_and_names_the_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(float("nan")))
    config = make_config("optimizer.skip_non_finite=2")
    with pytest.raises(NonFiniteLoss, match=r"step 3: .* nan, for 3 steps in a row; .*arxiv"):
        start_run(config, tmp_path / "run", None, ALONE, shown=False)


def test_steps_without_a_finite_gradient_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(float("inf")))
    config = make_config("schedule.steps=2")
    result = start_run(config, tmp_path / "run", None, ALONE, shown=False)
    assert result.position.first is not None
    assert result.position.last == result.position.first


def test_a_run_without_a_better_score_ends_early(tmp_path: Path) -> None:
    config = make_config(
        "validation.every_steps=1", "validation.patience=2", "optimizer.learning_rate=3.0"
    )
    result = start_run(config, tmp_path / "run", None, ALONE, shown=False)
    assert result.ending == "stale"
    assert result.position.step < 12
    assert (tmp_path / "run" / "last").exists()


def test_other_data_than_the_run_began_with_is_refused(straight: Path) -> None:
    with pytest.raises(ResumeError, match="not what the run was started with"):
        resume_run(straight, ["data.max_document_tokens=32"], ALONE, shown=False)


def test_a_directory_that_holds_a_run_is_not_written_over(straight: Path) -> None:
    with pytest.raises(FileExistsError, match="--resume goes on with it"):
        start_run(make_config(), straight, None, ALONE, shown=False)


def test_weights_too_large_for_their_file_are_refused(tmp_path: Path) -> None:
    config = make_config("saving.precision=fp16", "optimizer.learning_rate=3e6")
    with pytest.raises(SaveError, match=r"holds numbers above 65504.*none before it"):
        start_run(config, tmp_path / "run", None, ALONE, shown=False)


def test_a_run_that_ended_before_its_first_checkpoint_can_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no disk")

    config = make_config("schedule.steps=1", "validation.every_steps=1")
    with monkeypatch.context() as patch:
        patch.setattr("model.training.trainer.save_step", refuse)
        with pytest.raises(OSError, match="no disk"):
            start_run(config, tmp_path / "run", None, ALONE, shown=False)
    assert start_run(config, tmp_path / "run", None, ALONE, shown=False).ending == "finished"


def test_a_budget_of_seconds_ends_a_run(tmp_path: Path) -> None:
    values = make_config("validation.every_steps=1000").to_json()
    config = type(make_config()).from_json(
        values.replace('"steps": 12', '"steps": null').replace('"seconds": null', '"seconds": 0.4')
    )
    result = start_run(config, tmp_path / "run", None, ALONE, shown=False)
    assert result.ending == "finished"
    assert result.position.seconds >= 0.4

"""Runs of seconds: they learn, and stopping one, however it ends, changes nothing of its curve."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.checkpoints.checkpoint import load_checkpoint
from model.data.records import Record
from model.text_summarizer import TextSummarizer
from model.training.config import TrainingConfig, TrainingConfigError
from model.training.data import Pairs
from model.training.examples import Examples
from model.training.run import RunData, _check_magnitudes, resume_run, start_run
from model.training.saving import ResumeError, SaveError
from model.training.trainer import NonFiniteLoss
from tests.model.factories import ROOT, make_model
from tests.model.training.builders import (
    ALONE,
    TINY_CONFIG,
    make_config,
    make_examples,
    read_csv_column,
)

CURVE = ("step", "examples", "tokens", "loss", "learning_rate", "gradient_norm")

KILLED_IN_ITS_STEP = """
import os, signal
from model.__main__ import main
from model.training.stepping import Stepper

take = Stepper.step

def killed(self, number, *rest):
    if number == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return take(self, number, *rest)

Stepper.step = killed
main({arguments!r})
"""


def curve(run: Path) -> list[list[str]]:
    return [read_csv_column(run / "log.csv", name) for name in CURVE]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "last").state_dict()


def copied(run: Path, directory: Path) -> Path:
    return shutil.copytree(run, directory / "copy", symlinks=True)


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
    program = KILLED_IN_ITS_STEP.format(
        step=8, arguments=["train", "--output", str(run), *arguments]
    )
    killed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    # Some way past the checkpoint of step 6: what came after it is lost and done again.
    assert (run / "log.csv").read_text().count("\n") == 9
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
    run = copied(straight, tmp_path)
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


def test_other_data_than_the_run_began_with_is_refused(straight: Path, tmp_path: Path) -> None:
    run = copied(straight, tmp_path)
    values = json.loads((run / "training.json").read_text())
    values["data"]["max_document_tokens"] = 32
    (run / "training.json").write_text(json.dumps(values))
    with pytest.raises(ResumeError, match="not what the run was started with"):
        resume_run(run, [], ALONE, shown=False)


def test_data_in_another_order_is_other_data() -> None:
    one, other = make_examples([(5, 3)]), make_examples([(4, 2), (3, 1)])
    records = [Record(id, "document", "summary", "brief", "en") for id in ("1", "2")]
    fingerprints = {
        RunData(sources, Pairs(judged, Examples())).fingerprint()
        for sources in ([one, other], [other, one])
        for judged in (records, records[::-1], records[:1], [])
    }
    assert len(fingerprints) == 8


@pytest.mark.parametrize(
    "change",
    [
        "batches.pool=1",
        "batches.tokens=4096",
        "seed=5",
        "optimizer.kind=adamw",
        "data.max_document_tokens=32",
        "validation.path=other.jsonl",
        "schedule={steps=500}",
    ],
)
def test_what_the_saved_state_belongs_to_cannot_change_on_the_way(
    straight: Path, change: str
) -> None:
    before = (straight / "training.json").read_text()
    with pytest.raises(TrainingConfigError, match=f"cannot change {change.partition('=')[0]};"):
        resume_run(straight, ["schedule.steps=13", change], ALONE, shown=False)
    assert (straight / "training.json").read_text() == before


def test_what_changed_on_the_way_stays_changed(straight: Path, tmp_path: Path) -> None:
    run = copied(straight, tmp_path)
    resume_run(run, ["schedule.steps=13", "optimizer.weight_decay=0.5"], ALONE, shown=False)
    kept = TrainingConfig.from_json((run / "training.json").read_text())
    assert (kept.schedule.steps, kept.optimizer.weight_decay) == (13, 0.5)
    assert resume_run(run, [], ALONE, shown=False).position.step == 13


def test_a_directory_that_holds_a_run_is_not_written_over(straight: Path) -> None:
    with pytest.raises(FileExistsError, match="--resume goes on with it"):
        start_run(make_config(), straight, None, ALONE, shown=False)


def test_weights_too_large_for_their_file_are_refused(tmp_path: Path) -> None:
    config = make_config("saving.precision=fp16", "optimizer.learning_rate=3e6")
    with pytest.raises(SaveError, match=r"holds numbers above 65504.*none before it"):
        start_run(config, tmp_path / "run", None, ALONE, shown=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e6])
def test_no_weight_is_saved_that_its_file_cannot_hold(value: float) -> None:
    model = make_model()
    with torch.no_grad():
        model.embedding.tokens.weight[3, 2] = value
    with pytest.raises(ValueError, match=r"embedding\.tokens\.weight holds numbers above 65504"):
        _check_magnitudes(model, torch.float16)


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

"""Two processes do what one does with twice the batches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.checkpoints.checkpoint import load_checkpoint
from model.training.config_file import read_training_config
from model.training.run import start_run
from tests.model.factories import ROOT
from tests.model.training.builders import ALONE, TINY_CONFIG, read_csv_column

SETTINGS = (
    "network.dropout=0.0",  # each process has its own
    "validation.rouge_documents=2",
    "validation.every_steps=3",
    "schedule.steps=3",
)
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def train_by_torchrun(run: Path) -> str:
    settings = [argument for setting in SETTINGS for argument in ("--set", setting)]
    command = ["-m", "model", "train", "--config", str(TINY_CONFIG), "--output", str(run)]
    return subprocess.run(
        [*TORCHRUN, *command, *settings],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_two_processes_train_as_one_with_twice_the_batches(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    config = read_training_config(TINY_CONFIG, [*SETTINGS, "batches.accumulate=2"])
    start_run(config, alone, None, ALONE, shown=False)
    told = train_by_torchrun(together)

    for name, tolerance in (("loss", 1e-5), ("gradient_norm", 1e-3), ("tokens", 0)):
        expected = [float(value) for value in read_csv_column(alone / "log.csv", name)]
        found = [float(value) for value in read_csv_column(together / "log.csv", name)]
        assert found == pytest.approx(expected, rel=tolerance), name
    for name in ("loss", "rouge_l"):
        expected = [float(value) for value in read_csv_column(alone / "validation.csv", name)]
        found = [float(value) for value in read_csv_column(together / "validation.csv", name)]
        assert found == pytest.approx(expected, rel=1e-3), name
    expected_weights = load_checkpoint(alone / "last").state_dict()
    for name, value in load_checkpoint(together / "last").state_dict().items():
        # Muon's bf16 iterations turn the last bit of a sum into the third digit of a step.
        assert torch.allclose(value, expected_weights[name], atol=1e-3), name
    assert told.count("finished after step 3") == 1  # the first process alone speaks

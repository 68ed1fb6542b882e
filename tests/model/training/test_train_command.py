"""`python -m model train` tells what happened, and refuses with one line."""

from pathlib import Path

import pytest

from model.__main__ import main
from tests.model.training.builders import TINY_CONFIG

SHORT = ("--set", "schedule.steps=2", "--set", "validation.every_steps=2")


def test_a_run_tells_its_scores_and_where_its_checkpoints_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["train", "--config", str(TINY_CONFIG), "--output", str(run), *SHORT]) == 0
    out, err = capsys.readouterr()
    assert "finished after step 2: " in out
    assert "at the start: loss " in out
    assert "best, at step 2: loss 6." in out
    assert "ROUGE-1/2/L" in out
    assert "tokens/s" in err
    assert "160 examples, 160 cut documents" in err

    # What is finished can be gone on with by saying how much further.
    assert main(["train", "--output", str(run), "--resume", "--set", "schedule.steps=3"]) == 0
    assert "finished after step 3: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --config, for a new run, or --resume"),
        (["--config", str(TINY_CONFIG), "--resume"], "give either --config"),
        (["--config", "no-such.toml"], "no-such.toml"),
        (["--resume"], "to go on from"),
        (["--resume", "--init", "x"], "--init is for a new run"),
        (["--config", str(TINY_CONFIG), "--init", "x"], "two beginnings"),
        (["--config", str(TINY_CONFIG), "--set", "seed=-1"], "seed must be at least 0"),
        (["--config", str(TINY_CONFIG), "--set", "network.width=33"], "33"),
    ],
)
def test_what_cannot_be_is_refused_with_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--output", str(tmp_path / "run"), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.splitlines()[-1].startswith("error: ")

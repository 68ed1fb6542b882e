"""Cross-validation: every record judges once, and the test set is never read."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from model.__main__ import main
from model.data.json_lines import DataError
from model.data.records import Record
from model.evaluation.rouge import Rouge
from model.training import sweep as sweeping
from model.training.config import TrainingConfigError
from model.training.run import RunResult
from model.training.sweep import Point, _deal, read_grid, sweep, table
from model.training.validation import Scores
from tests.model.training.builders import ALONE, TINY_CONFIG, make_config, write_json_lines


def make_records(count: int) -> list[Record]:
    return [Record(str(number), "document", "summary", "brief", "en") for number in range(count)]


def test_a_grid_is_every_combination() -> None:
    assert read_grid(["optimizer.learning_rate=1,2", "seed=3"]) == [
        ("optimizer.learning_rate=1", "seed=3"),
        ("optimizer.learning_rate=2", "seed=3"),
    ]


@pytest.mark.parametrize(
    "choice",
    [
        "seed",
        "seed=1,,2",
        "validation.path=x,y",
        "data.max_summary_tokens=10,20",
        "data.too_long=cut,drop",
        "data.sources=x,y",
    ],
)
def test_a_choice_that_is_none_is_refused(choice: str) -> None:
    with pytest.raises(TrainingConfigError):
        read_grid([choice])


def test_every_record_judges_once_and_never_where_it_was_learnt_from() -> None:
    records, judges = make_records(11), []
    for fold in range(3):
        learnt, judged = _deal(records, (fold, 3), seed=1)
        assert not set(learnt) & set(judged)
        assert len(learnt) + len(judged) == 11
        judges += judged
    assert sorted(judges, key=records.index) == records


def test_a_sweep_trains_and_scores_each_choice_on_each_fold() -> None:
    config = make_config("schedule.steps=2", "validation.path=/no/such/file")
    points = sweep(
        config, None, read_grid(["optimizer.learning_rate=3e-5,3e-2"]), 2, ALONE, shown=False
    )
    assert [len(point.scores) for point in points] == [2, 2]
    assert points[0].column("loss") != points[1].column("loss")
    assert points[0].column("rouge_l") is None


def test_every_choice_is_judged_by_the_same_deal_and_nothing_is_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[list[str]] = []
    train = sweeping.train

    def noting(config: object, directory: Path, *rest: Any, **options: Any) -> RunResult:
        judged.append([record.id for record in rest[2].validation.records])
        result = train(config, directory, *rest, **options)
        assert not list(directory.glob("step-*"))
        return result

    monkeypatch.setattr(sweeping, "train", noting)
    sweep(make_config("schedule.steps=1"), None, read_grid(["seed=1,2"]), 2, ALONE, shown=False)
    assert judged[:2] == judged[2:]
    assert judged[0] != judged[1]


def test_what_a_sweep_leaves_out_or_cuts_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [{"document": "It rains. " * count, "summary": "Rain."} for count in (2, 2, 2, 90)]
    source = write_json_lines(tmp_path / "pairs.jsonl", [*pairs, {"document": "No summary."}])
    sources = f"data.sources=[{{path='{source}', style='brief', on_bad_line='skip'}}]"
    for too_long, told in (("cut", "1 cut documents"), ("drop", "1 dropped")):
        config = make_config(sources, f"data.too_long={too_long}", "schedule.steps=1")
        sweep(config, None, [("seed=1",)], 2, ALONE, shown=True)
        err = capsys.readouterr().err
        assert told in err
        assert "line 5" in err
    with pytest.raises(DataError, match="the limit is"):
        sweep(make_config(sources, "data.too_long=refuse"), None, [("seed=1",)], 2, ALONE, False)
    with pytest.raises(TrainingConfigError, match="decides which documents take part"):
        sweep(config, None, [("data.max_document_tokens=9",)], 2, ALONE, False)


def test_the_table_gives_means_and_deviations_the_lowest_loss_first() -> None:
    worse = Point(("a=1",), (Scores(2.0, Rouge(1, 1, 10)), Scores(3.0, Rouge(1, 1, 20))))
    better = Point(("a=2",), (Scores(1.0, Rouge(1, 1, 30)), Scores(1.0, Rouge(1, 1, 30))))
    assert table([worse, better]).splitlines()[2:] == [
        "| a=2 | 1.000 ± 0.000 | 30.000 ± 0.000 |",
        "| a=1 | 2.500 ± 0.707 | 15.000 ± 7.071 |",
    ]
    assert worse.to_dict()["mean"]["loss"] == 2.5


def test_a_choice_that_no_run_can_follow_is_refused_before_any_training() -> None:
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        sweep(make_config(), None, [("optimizer.learning_rate=0",)], 2, ALONE, shown=False)


def test_too_few_records_or_folds_are_refused() -> None:
    with pytest.raises(DataError, match="too few for 500 folds"):
        sweep(make_config(), None, [("seed=2",)], 500, ALONE, shown=False)
    with pytest.raises(TrainingConfigError, match="folds must be at least 2"):
        sweep(make_config(), None, [("seed=2",)], 1, ALONE, shown=False)


def test_the_command_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sweep.json"
    changes = ["--set", "schedule.steps=1", "--set", "validation.rouge_documents=0"]
    arguments = ["--config", str(TINY_CONFIG), "--grid", "seed=1", "--folds", "2"]
    assert main(["sweep", *arguments, *changes, "--json", str(file)]) == 0
    assert capsys.readouterr().out.startswith("| values | loss |\n")
    assert len(json.loads(file.read_text())[0]["folds"]) == 2


def test_a_signal_ends_the_whole_sweep_and_no_score_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = 0
    backward = torch.Tensor.backward

    def interrupting(self: torch.Tensor) -> None:
        nonlocal taken
        taken += 1
        signal.raise_signal(signal.SIGINT)
        backward(self)

    monkeypatch.setattr(torch.Tensor, "backward", interrupting)
    file = tmp_path / "sweep.json"
    arguments = ["--config", str(TINY_CONFIG), "--grid", "seed=1,2", "--folds", "2"]
    with pytest.raises(SystemExit) as ended:
        main(["sweep", *arguments, "--set", "validation.rouge_documents=0", "--json", str(file)])
    assert ended.value.code == 128 + signal.SIGINT
    assert taken == 1
    assert capsys.readouterr().out == ""
    assert not file.exists()

"""A run's file says everything, and nothing that is not understood."""

from pathlib import Path

import pytest

from model.training.config import TrainingConfig, TrainingConfigError
from model.training.config_file import changed, read_training_config
from tests.model.factories import ROOT
from tests.model.training.builders import TINY_CONFIG, make_config

CONFIGS = sorted((ROOT / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_of_the_house_is_read(path: Path) -> None:
    config = read_training_config(path)
    assert TrainingConfig.from_json(config.to_json()) == config


def test_paths_are_relative_to_the_file_that_names_them() -> None:
    config = make_config()
    assert config.validation is not None
    assert all(Path(part.path).is_file() for part in (*config.data.sources, config.validation))


def test_values_are_changed_by_their_dotted_keys() -> None:
    config = make_config("optimizer.learning_rate=1e-4", "precision=bf16", 'frozen=["encoder.*"]')
    assert config.optimizer.learning_rate == 1e-4
    assert config.precision == "bf16"
    assert config.frozen == ("encoder.*",)
    assert changed(config, ["schedule.steps=7"]).schedule.steps == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("optimizer.momentum=0.9", "unknown keys ['momentum']"),
        ("optimizer.learning_rate=fast", "optimizer.learning_rate must be a number"),
        ("optimizer.learning_rate=0", "learning_rate must be above 0, not 0"),
        ("optimizer.learning_rate=nan", "learning_rate must be above 0, not nan"),
        ("optimizer.kind=sgd", "kind must be one of muon, adamw, not 'sgd'"),
        ("dropout=1.0", "dropout must be below 1, not 1.0"),
        ("schedule.seconds=60", "either steps or seconds"),
        ("schedule.decay=sudden", "decay must be one of"),
        ("data.sources=[]", "sources is empty"),
        ("data.too_long=shrink", "too_long must be one of cut, drop, refuse"),
        ("batches.tokens=90", "too few for one example"),
        ("validation={path='v', every_steps=1, metric='rouge_l'}", "needs rouge_documents above 0"),
        ('lora={rank=4, targets=["*"]}', "lora is for a checkpoint"),
        ("data.sources=[{path='a', share=[[0.5, 0.1], [0.2, 0.1]]}]", "must rise"),
        ("data.sources=[{path='a', share=[[0.5]]}]", "[progress, share] points"),
        (
            "data.sources=[{path='a', share=[[0, 0.5], [0.7, 0.9]]}, "
            "{path='b', share=[[0, 0.5], [1, 0.2]]}]",
            "the shares of the sources sum to 1.19 at progress 0.7; the limit is 1",
        ),
        (
            "data.sources=[{path='a', share=[[0, 1], [1, 0]]}]",
            "no source has a share at progress 1",
        ),
        ("precision", "'precision' is not key=value"),
        ("seed.x=1", "seed has no keys of its own"),
    ],
)
def test_what_no_run_can_follow_is_refused_by_its_key(change: str, message: str) -> None:
    with pytest.raises(TrainingConfigError) as refusal:
        read_training_config(TINY_CONFIG, [change])
    assert str(refusal.value).startswith(str(TINY_CONFIG))
    assert message in str(refusal.value)


def test_a_file_that_is_not_toml_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("seed = = 1")
    with pytest.raises(TrainingConfigError, match=r"run\.toml"):
        read_training_config(path)

"""Training part of a network: what is frozen stays, and what LoRA learns ends in plain weights."""

from pathlib import Path

import pytest
import torch

from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from model.training.adapting import Adapters, freeze
from model.training.batches import collate
from model.training.config import LoraConfig, TrainingConfigError
from model.training.examples import Example
from model.training.loss import TeacherForcing
from model.training.run import resume_run, start_run
from tests.model.factories import TINY, make_model, make_source
from tests.model.training.builders import ALONE, make_config, read_csv_column

LORA = LoraConfig(rank=2, alpha=4.0, targets=("*.query", "decoder.*.value"))


def trained(model: torch.nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_parameters_are_frozen_by_pattern() -> None:
    model = make_model()
    everything = trained(model)
    freeze(model, ["encoder.*", "embedding.*"])
    assert trained(model) == {name for name in everything if name.startswith(("decoder", "copy"))}


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    with pytest.raises(TrainingConfigError, match=r"frozen: no parameter is called 'enkoder\.\*'"):
        freeze(make_model(), ["enkoder.*"])
    with pytest.raises(TrainingConfigError, match=r"lora\.targets: no Linear layer"):
        Adapters(make_model(), LoraConfig(rank=2, targets=("embedding*",)))


def test_to_freeze_everything_is_refused_unless_adapters_are_trained() -> None:
    with pytest.raises(TrainingConfigError, match=r"frozen: \['\*'\] leaves no parameter to train"):
        freeze(make_model(), ["*"])
    model = make_model()
    Adapters(model, LORA)
    freeze(model, ["*"])


def test_adapters_begin_without_a_word_and_train_alone() -> None:
    model = make_model()
    source, lengths = make_source([7, 4])
    expected = model.encode(source, lengths)
    adapters = Adapters(model, LORA)
    assert torch.equal(model.encode(source, lengths), expected)
    assert trained(model) == set()
    # Queries of 2 encoder layers and of 2 times 2 attentions of the decoder, and the values there.
    assert len(adapters.adapters) == 2 + 4 + 4


def test_every_adapter_learns_that_of_an_untied_output_too() -> None:
    model = make_model(tied_output=False, copy_head=False)
    adapters = Adapters(model, LoraConfig(rank=2, targets=("*",)))
    batch = collate([Example("a", [4, 9, 10, 1], [9, 10, 1])], pad_id=0, start_id=0)
    TeacherForcing(model, 0.0, adapters)(batch)[0].backward()
    assert model.output in adapters._layers
    assert all(adapter.b.grad is not None for adapter in adapters.adapters)


def test_merged_weights_say_what_the_adapters_said(tmp_path: Path) -> None:
    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adapters = Adapters(model, LORA)
    with torch.no_grad():
        for parameter in adapters.parameters():
            parameter.normal_()
    source, lengths = make_source([7, 4])
    expected = model.encode(source, lengths)
    with adapters.merged():
        save_checkpoint(model, tmp_path, torch.float32)
    plain = load_checkpoint(tmp_path)
    assert torch.allclose(plain.encode(source, lengths), expected, atol=1e-5)
    assert not torch.allclose(plain.encode(source, lengths), make_model().encode(source, lengths))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert plain.config == model.config == TINY


def test_fine_tuning_with_lora_stops_and_goes_on_to_the_same_end(tmp_path: Path) -> None:
    start_run(make_config("schedule.steps=2"), tmp_path / "base", None, ALONE, shown=False)
    init = tmp_path / "base" / "last"
    changes = [
        'lora={rank=2, targets=["decoder.*.inner"]}',
        "optimizer.kind=adamw",
        "validation.every_steps=4",
        "saving.every_steps=2",
        "schedule.decay=constant",
    ]
    config = make_config(*changes, "schedule.steps=4", drop=("network", "tokenizer"))
    result = start_run(config, tmp_path / "straight", init, ALONE, shown=False)
    assert result.position.last != result.position.first

    half = make_config(*changes, "schedule.steps=2", drop=("network", "tokenizer"))
    start_run(half, tmp_path / "broken", init, ALONE, shown=False)
    resume_run(tmp_path / "broken", ["schedule.steps=4"], ALONE, shown=False)
    losses = [
        read_csv_column(tmp_path / name / "log.csv", "loss") for name in ("straight", "broken")
    ]
    assert losses[0] == losses[1]

    base, tuned = (
        load_checkpoint(path).state_dict() for path in (init, tmp_path / "straight/last")
    )
    changed = {name for name, value in tuned.items() if not torch.equal(value, base[name])}
    assert changed == {name for name in base if name.startswith("decoder.") and ".inner.w" in name}

"""Checkpoints in and out, and refusals that name every tensor that does not fit."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoints.checkpoint import (
    CheckpointError,
    load_checkpoint,
    never_emitted_ids,
    save_checkpoint,
    tensor_names,
)
from model.checkpoints.config_file import config_values, read_config
from model.network.config import ConfigError
from model.network.zoo import ZOO
from tests.model.factories import DEFAULT_CHECKPOINT, TINY, make_model


@pytest.mark.parametrize("copy_head", [True, False])
def test_a_network_survives_being_saved_and_loaded(tmp_path: Path, copy_head: bool) -> None:
    model = make_model(copy_head=copy_head)
    save_checkpoint(model, tmp_path, dtype=torch.float32)
    loaded = load_checkpoint(tmp_path)
    assert loaded.config == model.config
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_half_precision_rounds_once_and_then_stays_byte_for_byte(tmp_path: Path) -> None:
    save_checkpoint(make_model(), tmp_path / "first")
    save_checkpoint(load_checkpoint(tmp_path / "first"), tmp_path / "second")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    stored = load_file(tmp_path / "first" / "model.safetensors")
    assert {value.dtype for value in stored.values()} == {torch.float16}


def test_whoever_may_read_the_config_may_read_the_weights(tmp_path: Path) -> None:
    save_checkpoint(make_model(), tmp_path)
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_tokenizer_files_are_copied_along(tmp_path: Path) -> None:
    save_checkpoint(make_model(), tmp_path, tokenizer_from=DEFAULT_CHECKPOINT)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (DEFAULT_CHECKPOINT / name).read_bytes()


@pytest.mark.parametrize("copy_head", [True, False])
def test_the_table_of_names_covers_the_network_and_nothing_else(copy_head: bool) -> None:
    model = make_model(copy_head=copy_head)
    names = tensor_names(model.config)
    assert names.keys() == model.state_dict().keys()
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("key", ["copy_attention", "cross_attention"])
def test_any_attention_of_the_zoo_survives_being_saved_and_loaded(
    tmp_path: Path, key: str, name: str
) -> None:
    model = make_model(**{key: name})
    names = tensor_names(model.config)
    assert names.keys() == model.state_dict().keys()
    assert len(set(names.values())) == len(names)
    save_checkpoint(model, tmp_path, dtype=torch.float32)
    loaded = load_checkpoint(tmp_path)
    assert getattr(loaded.config, key) == name
    for ours, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[ours], value), ours


def test_another_attention_than_the_weights_were_trained_for_is_refused(tmp_path: Path) -> None:
    save_checkpoint(make_model(), tmp_path)
    config = config_values(TINY) | {"copy_attention": "additive"}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"missing: copy_head\.query\.key_weight"):
        load_checkpoint(tmp_path)


def test_every_mismatch_is_reported_at_once_with_its_shapes(tmp_path: Path) -> None:
    save_checkpoint(make_model(), tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.encoder.layers.1.fc1.bias"]
    tensors["model.decoder.layer_norm.weight"] = torch.zeros(3)
    tensors["lm_head.weight"] = torch.zeros(2, 2)
    tensors["classifier.weight"] = torch.zeros(2, 2)
    save_file(tensors, path)
    with pytest.raises(CheckpointError) as refusal:
        load_checkpoint(tmp_path)
    message = str(refusal.value)
    assert str(path) in message
    assert "missing: model.encoder.layers.1.fc1.bias (24,)" in message
    assert "unexpected: classifier.weight (2, 2)" in message
    assert "lm_head.weight is (2, 2), should be (40, 16)" in message
    assert "model.decoder.layer_norm.weight is (3,), should be (16,)" in message


def test_a_config_that_promises_another_geometry_is_refused(tmp_path: Path) -> None:
    save_checkpoint(make_model(), tmp_path)
    config = config_values(TINY) | {"decoder_layers": 3, "copy_head": False}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError) as refusal:
        load_checkpoint(tmp_path)
    assert "missing: model.decoder.layers.2.fc1.weight (20, 16)" in str(refusal.value)
    assert "unexpected: copy_head.gate.bias (1,)" in str(refusal.value)


def test_an_unknown_architecture_is_refused_before_any_tensor_is_read(tmp_path: Path) -> None:
    config = config_values(TINY) | {"architectures": ["GPT2LMHeadModel"]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ConfigError, match="GPT2LMHeadModel is not supported"):
        load_checkpoint(tmp_path)


def test_no_special_token_but_the_end_may_be_emitted() -> None:
    config = read_config(DEFAULT_CHECKPOINT / "config.json")
    assert never_emitted_ids(DEFAULT_CHECKPOINT / "tokenizer.json", config) == (0, 2, 3, 4, 5, 6, 7)


def test_a_saved_checkpoint_keeps_the_generation_settings_of_the_one_it_came_from(
    tmp_path: Path,
) -> None:
    save_checkpoint(make_model(), tmp_path, tokenizer_from=DEFAULT_CHECKPOINT)
    name = "generation_config.json"
    assert (tmp_path / name).read_bytes() == (DEFAULT_CHECKPOINT / name).read_bytes()

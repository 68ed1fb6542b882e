"""Old and lean files hold the same tensors under other names; each spelling is read alike."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.checkpoints.checkpoint import load_checkpoint, save_checkpoint, tensor_names
from model.checkpoints.config_file import config_values
from model.network.transformer import Summarizer
from tests.model.checkpoints.families.builders import FAMILIES, build

Tensors = dict[str, Tensor]


def rewrite(directory: Path, change: Callable[[Tensors], Tensors]) -> Summarizer:
    path = directory / "model.safetensors"
    changed = change(load_file(path))
    save_file({name: tensor.clone() for name, tensor in changed.items()}, path)
    return load_checkpoint(directory)


def assert_same(one: Summarizer, other: Summarizer) -> None:
    assert one.config == other.config
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, tensor in one.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


@pytest.mark.parametrize("family", FAMILIES)
def test_the_table_of_names_covers_the_network_and_nothing_else(
    family: str, tmp_path: Path
) -> None:
    build(family, tmp_path)
    model = load_checkpoint(tmp_path)
    names = tensor_names(model.config)
    assert names.keys() == model.state_dict().keys()
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_config_survives_being_written_and_read(family: str, tmp_path: Path) -> None:
    build(family, tmp_path)
    model = load_checkpoint(tmp_path)
    save_checkpoint(model, tmp_path / "again")
    again = load_checkpoint(tmp_path / "again").config
    assert again == model.config
    assert again.other_keys == model.config.other_keys


@pytest.mark.parametrize(
    ("family", "prefix"), [("bart", "model."), ("pegasus", "model."), ("led", "led.")]
)
def test_a_base_model_leaves_the_prefix_off(family: str, prefix: str, tmp_path: Path) -> None:
    build(family, tmp_path)
    before = load_checkpoint(tmp_path)
    after = rewrite(tmp_path, lambda t: {name.removeprefix(prefix): t[name] for name in t})
    assert_same(before, after)


@pytest.mark.parametrize(
    ("family", "matrix", "copies"),
    [
        ("mbart", "model.shared.weight", ["model.encoder.embed_tokens.weight", "lm_head.weight"]),
        ("t5", "shared.weight", ["decoder.embed_tokens.weight", "lm_head.weight"]),
        ("flan-t5", "shared.weight", ["encoder.embed_tokens.weight"]),
    ],
)
def test_the_token_matrix_may_be_there_again_or_under_another_name_alone(
    family: str, matrix: str, copies: list[str], tmp_path: Path
) -> None:
    build(family, tmp_path)
    before = load_checkpoint(tmp_path)
    again = rewrite(tmp_path, lambda t: t | dict.fromkeys(copies, t[matrix]))
    assert_same(before, again)
    alone = rewrite(tmp_path, lambda t: {name: t[name] for name in t if name != matrix})
    assert_same(before, alone)


def test_what_old_files_hold_and_nothing_reads_is_passed_over(tmp_path: Path) -> None:
    unread = {
        "t5": "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
        "mbart": "model.encoder.version",
    }
    for family, name in unread.items():
        directory = tmp_path / family
        build(family, directory)
        before = load_checkpoint(directory)
        assert_same(before, rewrite(directory, lambda t, name=name: t | {name: torch.ones(8, 4)}))


def test_an_output_bias_is_a_part_of_the_network_only_where_it_is_not_zero(tmp_path: Path) -> None:
    build("bart", tmp_path)
    with_bias = load_checkpoint(tmp_path)
    assert with_bias.config.output_bias
    name = "final_logits_bias"
    zero = rewrite(tmp_path, lambda t: t | {name: torch.zeros_like(t[name])})
    assert not zero.config.output_bias
    absent = rewrite(tmp_path, lambda t: {key: t[key] for key in t if key != name})
    assert_same(zero, absent)
    hidden = torch.randn(1, 2, 16)
    difference = with_bias.logits(hidden) - absent.logits(hidden)
    torch.testing.assert_close(difference, with_bias.output_bias.expand(1, 2, -1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened(dtype: torch.dtype, tmp_path: Path) -> None:
    build("pegasus", tmp_path)
    whole = load_checkpoint(tmp_path)
    half = rewrite(tmp_path, lambda t: {name: t[name].to(dtype) for name in t})
    for name, tensor in whole.state_dict().items():
        assert torch.equal(half.state_dict()[name], tensor.to(dtype).float()), name


def test_without_a_start_token_the_first_is_the_one_that_transformers_takes(tmp_path: Path) -> None:
    build("mbart", tmp_path, decoder_start_token_id=None, bos_token_id=3)
    config = load_checkpoint(tmp_path).config
    assert config.start_id == 3
    assert config_values(config)["bos_token_id"] == 3

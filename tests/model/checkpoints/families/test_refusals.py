"""What a directory may hold that we cannot run, and what each refusal says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.checkpoints.checkpoint import CheckpointError, load_checkpoint
from model.checkpoints.families import FAMILIES, UnsupportedFamily, find
from model.network.config import ConfigError
from tests.model.checkpoints.families.builders import build


def edit_config(directory: Path, **changes: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensors(directory: Path, change: Callable[[dict[str, Tensor]], Any]) -> None:
    path = directory / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, path)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_found_by_its_architecture_its_base_model_and_its_type(family: Any) -> None:
    for name in (*family.architectures, *family.base_architectures):
        assert find({"architectures": [name], "model_type": "whatever"}) is family
    assert find({"model_type": family.model_type}) is family


@pytest.mark.parametrize(
    ("architecture", "model_type", "reason", "closest"),
    [
        ("BigBirdPegasusForConditionalGeneration", "bigbird_pegasus", "block-sparse", "LED"),
        ("LongT5ForConditionalGeneration", "longt5", "transient-global", "LED"),
        ("ProphetNetForConditionalGeneration", "prophetnet", "several tokens at once", "BART"),
        ("UMT5ForConditionalGeneration", "umt5", "relative bias of its own", "mT5"),
        ("LlamaForCausalLM", "llama", "decoder-only", "BART"),
        ("MBartForCausalLM", "mbart", "decoder-only", "mBART"),
        ("GPT2LMHeadModel", None, "decoder-only", "BART"),
        ("BertModel", "bert", "no output over words", "BART"),
        ("BertForMaskedLM", "bert", "an encoder alone", "BART"),
        ("T5EncoderModel", "t5", "an encoder alone", "T5"),
        ("BartForSequenceClassification", "bart", "no output over words", "BART"),
        ("NewKindForConditionalGeneration", "new_kind", "is unknown here", "BART"),
        (None, "longt5", "transient-global", "LED"),
        (None, "new_kind", "is unknown here", "BART"),
        (None, None, "names neither architectures nor model_type", "BART"),
    ],
)
def test_what_is_not_supported_is_refused_with_the_reason_and_the_closest_family(
    architecture: str | None, model_type: str | None, reason: str, closest: str
) -> None:
    config = {"architectures": architecture and [architecture], "model_type": model_type}
    with pytest.raises(UnsupportedFamily) as refusal:
        find(config)
    message = str(refusal.value)
    assert message.startswith(f"{architecture or model_type or 'the checkpoint'} is not supported:")
    assert reason in refusal.value.reason
    assert reason in message
    assert refusal.value.closest == closest
    assert f"the closest family that is: {closest} (all: BART, mBART," in message


@pytest.mark.parametrize(
    "config", [{"architectures": "BartModel"}, {"architectures": [3]}, {"model_type": ["bart"]}]
)
def test_a_config_that_names_itself_in_another_way_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not a"):
        find(config)


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("bart", {"decoder_attention_heads": 2}, "must be equal, not 4 and 2"),
        ("bart", {"activation_function": "quick_gelu"}, "'quick_gelu' is not supported; only gelu"),
        ("bart", {"normalize_before": True}, "normalize_before=True is not supported"),
        ("marian", {"share_encoder_decoder_embeddings": False}, "share_encoder_decoder_embeddings"),
        ("marian", {"decoder_vocab_size": 50}, "decoder_vocab_size is 50, not vocab_size, 64"),
        ("t5", {"feed_forward_proj": "gated-tanh"}, "feed_forward_proj='gated-tanh' is not"),
        ("t5", {"d_kv": None}, "missing from config.json: d_kv"),
        ("t5", {"relative_attention_max_distance": 2}, "relative_max_distance 2 must be above 4"),
        ("led", {"attention_window": [4]}, "1 attention_windows for 2 encoder layers"),
        ("led", {"attention_window": 5}, "must be even, and 2 or more, not 5"),
        ("led", {"attention_window": "wide"}, "attention_window is 'wide', not a whole number or"),
    ],
)
def test_a_config_that_the_network_cannot_honour_is_refused(
    family: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    build(family, tmp_path)
    edit_config(tmp_path, **changes)
    with pytest.raises(ConfigError) as refusal:
        load_checkpoint(tmp_path)
    assert message in str(refusal.value)


def test_a_null_is_as_good_as_no_value(tmp_path: Path) -> None:
    build("bart", tmp_path)
    edit_config(tmp_path, normalize_before=None, decoder_attention_heads=None)
    load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        (
            "bart",
            {"encoder_ffn_dim": 32},
            "model.encoder.layers.0.fc1.weight is (24, 16), should be (32, 16)",
        ),
        (
            "led",
            {"max_decoder_position_embeddings": 40},
            "led.decoder.embed_positions.weight is (32, 16), should be (40, 16)",
        ),
        (
            "pegasus",
            {"max_position_embeddings": 50},
            "model.encoder.embed_positions.weight is (48, 16), should be (50, 16)",
        ),
        (
            "t5",
            {"feed_forward_proj": "gated-gelu"},
            "missing: encoder.block.0.layer.1.DenseReluDense.wi_0.weight (24, 16)",
        ),
        ("flan-t5", {"tie_word_embeddings": True}, "lm_head.weight differs from the token matrix"),
        ("t5", {"tie_word_embeddings": False}, "missing: lm_head.weight (64, 16)"),
        ("mt5", {"num_layers": 2}, "unexpected: encoder.block.2.layer.0.SelfAttention.k.weight"),
    ],
)
def test_a_config_that_disagrees_with_its_weights_is_refused_with_tensor_and_shapes(
    family: str, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    build(family, tmp_path)
    edit_config(tmp_path, **changes)
    with pytest.raises(CheckpointError) as refusal:
        load_checkpoint(tmp_path)
    assert message in str(refusal.value)


def test_positions_that_are_not_sinusoids_are_refused(tmp_path: Path) -> None:
    build("pegasus", tmp_path)
    name = "model.decoder.embed_positions.weight"
    edit_tensors(tmp_path, lambda tensors: tensors[name].mul_(1.1))
    with pytest.raises(CheckpointError, match=f"{name} is not the table of sines and cosines"):
        load_checkpoint(tmp_path)


def test_weights_that_are_no_floats_are_refused_by_name(tmp_path: Path) -> None:
    build("t5", tmp_path)
    edit_tensors(
        tmp_path, lambda tensors: tensors.update({"shared.weight": tensors["shared.weight"].char()})
    )
    with pytest.raises(CheckpointError, match=r"shared.weight holds I8, not F64, F32, F16, BF16"):
        load_checkpoint(tmp_path)


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    build("bart", tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin alone, a pickle.*convert it"):
        load_checkpoint(tmp_path)


def test_a_directory_without_weights_is_refused(tmp_path: Path) -> None:
    build("bart", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"neither model\.safetensors nor"):
        load_checkpoint(tmp_path)


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    build("bart", tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read: "):
        load_checkpoint(tmp_path)


def shards_of(directory: Path) -> tuple[dict[str, Any], list[str]]:
    """Write a checkpoint in shards; gives its index and the names of the files."""
    build("bart", directory).save_pretrained(directory, max_shard_size="8KB")
    (directory / "model.safetensors").unlink(missing_ok=True)
    index = json.loads((directory / "model.safetensors.index.json").read_text())
    return index, sorted(set(index["weight_map"].values()))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    _, shards = shards_of(tmp_path)
    assert len(shards) > 2
    for shard in shards[1:3]:
        (tmp_path / shard).unlink()
    with pytest.raises(CheckpointError, match=f"that are not there: {shards[1]}, {shards[2]}"):
        load_checkpoint(tmp_path)


def test_an_index_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    index, shards = shards_of(tmp_path)
    index["weight_map"]["model.more.weight"] = shards[0]
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"that no file holds: model\.more\.weight"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("index", ["[]", "{", '{"weight_map": {"a": "../b"}}', '{"weight_map": 3}'])
def test_an_index_that_is_none_is_refused(index: str, tmp_path: Path) -> None:
    shards_of(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointError, match="has no weight_map from tensors to files beside it"):
        load_checkpoint(tmp_path)


def test_shards_hold_what_one_file_would(tmp_path: Path) -> None:
    build("bart", tmp_path / "one")
    shards_of(tmp_path / "many")
    one, many = load_checkpoint(tmp_path / "one"), load_checkpoint(tmp_path / "many")
    for name, tensor in one.state_dict().items():
        assert torch.equal(many.state_dict()[name], tensor), name

"""Checkpoints in Hugging Face's layout: config.json, model.safetensors, tokenizer.json.

The tables below name every tensor of a PEGASUS checkpoint and its place in our network. Loading
compares names and shapes before it copies anything, and reports every mismatch at once.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.config import ModelConfig
from model.transformer import Summarizer
from model.zoo import make_attention

# Ours on the left, PEGASUS on the right, within one layer; each row has a weight and a bias.
_ATTENTION = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
_ENCODER_LAYER = {
    "self_attention_norm": "self_attn_layer_norm",
    **{f"self_attention.{ours}": f"self_attn.{theirs}" for ours, theirs in _ATTENTION.items()},
    "feed_forward_norm": "final_layer_norm",
    "feed_forward.inner": "fc1",
    "feed_forward.outer": "fc2",
}
_DECODER_LAYER = {
    **_ENCODER_LAYER,
    "cross_attention_norm": "encoder_attn_layer_norm",
    **{f"cross_attention.{ours}": f"encoder_attn.{theirs}" for ours, theirs in _ATTENTION.items()},
}
_OF_MULTI_HEAD_ALONE = ("cross_attention.query", "cross_attention.key")
_COPY_GATE = ("copy_head.gate.weight", "copy_head.gate.bias")


class CheckpointError(ValueError):
    """A checkpoint that does not fit its own config; the message lists every mismatch."""


def tensor_names(config: ModelConfig) -> dict[str, str]:
    """Every parameter of our network by name, with the name it has in a PEGASUS checkpoint.

    What PEGASUS does not have, the copy head and the other cross-attentions, keeps our name.
    """
    plain_cross = config.cross_attention == "multi_head"
    decoder_layer = {
        ours: theirs
        for ours, theirs in _DECODER_LAYER.items()
        if plain_cross or ours not in _OF_MULTI_HEAD_ALONE
    }
    modules = {f"{side}.norm": f"model.{side}.layer_norm" for side in ("encoder", "decoder")}
    for side, layer_count, table in (
        ("encoder", config.encoder_layers, _ENCODER_LAYER),
        ("decoder", config.decoder_layers, decoder_layer),
    ):
        for layer in range(layer_count):
            for ours, theirs in table.items():
                modules[f"{side}.layers.{layer}.{ours}"] = f"model.{side}.layers.{layer}.{theirs}"
    names = {"embedding.tokens.weight": "model.shared.weight"}
    for ours, theirs in modules.items():
        for part in ("weight", "bias"):
            names[f"{ours}.{part}"] = f"{theirs}.{part}"
    if not plain_cross:
        for layer in range(config.decoder_layers):
            for name in _parameter_names(config, config.cross_attention):
                ours = f"decoder.layers.{layer}.cross_attention.mechanism.{name}"
                names[ours] = f"model.{ours.replace('cross_attention', 'encoder_attn')}"
    if config.copy_head:
        names |= {name: name for name in _COPY_GATE}
        for name in _parameter_names(config, config.copy_attention):
            names[f"copy_head.query.{name}"] = f"copy_head.query.{name}"
    return names


def load_checkpoint(directory: Path) -> Summarizer:
    """The network of a checkpoint directory, in float32 and ready to run (not to train).

    Raises `ConfigError` for a config we cannot honour and `CheckpointError` when the tensors do
    not match it.
    """
    model = Summarizer(ModelConfig.from_file(directory / "config.json"))
    names = tensor_names(model.config)
    expected = {names[ours]: tuple(value.shape) for ours, value in model.state_dict().items()}

    path = directory / "model.safetensors"
    with safe_open(path, framework="pt") as file:
        found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
        _refuse_mismatches(path, expected, found)
        state = {ours: file.get_tensor(theirs).float() for ours, theirs in names.items()}
    model.load_state_dict(state)
    return model.eval()


def never_emitted_ids(directory: Path, config: ModelConfig) -> tuple[int, ...]:
    """Ids that no summary may hold: every special token of the tokenizer but the end token."""
    content = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
    special = {token["id"] for token in content["added_tokens"] if token["special"]}
    return tuple(sorted(special - {config.end_id}))


def save_checkpoint(
    model: Summarizer,
    directory: Path,
    dtype: torch.dtype = torch.float16,
    tokenizer_from: Path | None = None,
) -> None:
    """Write a directory that `load_checkpoint` and Hugging Face transformers both read.

    `tokenizer_from` is a checkpoint directory whose tokenizer files are copied along.
    """
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(model.config.to_dict(), indent=2, ensure_ascii=False)
    (directory / "config.json").write_text(text + "\n", encoding="utf-8")
    state = model.state_dict()
    tensors: dict[str, Tensor] = {
        theirs: state[ours].detach().to("cpu", dtype).contiguous()
        for ours, theirs in tensor_names(model.config).items()
    }
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    if tokenizer_from is not None:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(tokenizer_from / name, directory / name)


def _parameter_names(config: ModelConfig, mechanism: str) -> list[str]:
    with torch.device("meta"):  # names without numbers
        return [
            name for name, _ in make_attention(mechanism, config.attention_sizes).named_parameters()
        ]


Shapes = dict[str, tuple[int, ...]]


def _refuse_mismatches(path: Path, expected: Shapes, found: Shapes) -> None:
    missing = sorted(expected.keys() - found.keys())
    unexpected = sorted(found.keys() - expected.keys())
    misshapen = sorted(
        name for name in expected.keys() & found.keys() if expected[name] != found[name]
    )
    problems = [
        *(f"missing: {name} {expected[name]}" for name in missing),
        *(f"unexpected: {name} {found[name]}" for name in unexpected),
        *(f"{name} is {found[name]}, should be {expected[name]}" for name in misshapen),
    ]
    if problems:
        raise CheckpointError(f"{path} does not fit its config.json:\n  " + "\n  ".join(problems))

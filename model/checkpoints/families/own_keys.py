"""The keys and tensors that are this project's own, and the same in every family."""

from collections.abc import Mapping
from typing import Any

import torch

from model.checkpoints.families.reading import Reading
from model.network.config import ModelConfig
from model.network.zoo import make_attention

COPY_GATE = ("copy_head.gate.weight", "copy_head.gate.bias")


def read_own_keys(reading: Reading) -> dict[str, Any]:
    """Our fields of a ModelConfig; a file that never met us has none of the keys."""
    return {
        "copy_head": reading.flag("copy_head", False),
        "style_token_ids": reading.table("style_token_ids"),
        "copy_attention": reading.word("copy_attention", "general"),
        "cross_attention": reading.word("cross_attention", "multi_head"),
    }


def write_own_keys(config: ModelConfig) -> dict[str, Any]:
    """The keys that `read_own_keys` reads."""
    return {
        "copy_head": config.copy_head,
        "style_token_ids": dict(config.style_token_ids),
        "copy_attention": config.copy_attention,
        "cross_attention": config.cross_attention,
    }


def own_tensor_names(config: ModelConfig, cross_attentions: Mapping[str, str]) -> dict[str, str]:
    """Ours -> the file's, for the copy head and for other cross-attentions than multi-head.

    cross_attentions maps the cross-attention of each decoder layer to its name in the file.
    """
    names: dict[str, str] = {}
    if config.cross_attention != "multi_head":
        for parameter in _parameter_names(config, config.cross_attention):
            for ours, theirs in cross_attentions.items():
                names[f"{ours}.mechanism.{parameter}"] = f"{theirs}.mechanism.{parameter}"
    if config.copy_head:
        names |= {name: name for name in COPY_GATE}
        for parameter in _parameter_names(config, config.copy_attention):
            names[f"copy_head.query.{parameter}"] = f"copy_head.query.{parameter}"
    return names


def _parameter_names(config: ModelConfig, mechanism: str) -> list[str]:
    with torch.device("meta"):  # names without numbers
        return [
            name for name, _ in make_attention(mechanism, config.attention_sizes).named_parameters()
        ]

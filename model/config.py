"""The shape of a network, read from a Hugging Face `config.json`.

One frozen `ModelConfig` describes every family we can run; a family says how its `config.json` is
read and which values of it the network honours. `_FAMILIES` holds one entry today, PEGASUS.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from model.zoo import Sizes, UnknownAttention, check_name


class ConfigError(ValueError):
    """A `config.json` that this network cannot honour; the message names the key and the value."""


@dataclass(frozen=True)
class ModelConfig:
    """The geometry and the special tokens of one encoder-decoder."""

    architecture: str
    vocabulary_size: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    encoder_feed_forward_width: int
    decoder_feed_forward_width: int
    max_positions: int
    pad_id: int
    end_id: int
    start_id: int
    dropout: float = 0.0
    copy_head: bool = False
    style_token_ids: Mapping[str, int] = field(default_factory=dict)
    copy_attention: str = "general"  # how the copy head looks, by its name in model/zoo.py
    cross_attention: str = "multi_head"  # how the decoder looks at the source, likewise

    def __post_init__(self) -> None:
        object.__setattr__(self, "style_token_ids", MappingProxyType(dict(self.style_token_ids)))
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.width % self.heads:
            raise ConfigError(f"width {self.width} does not divide into {self.heads} heads")
        if self.width % 2:
            raise ConfigError(f"width {self.width} must be even: half sines, half cosines")
        for name in ("copy_attention", "cross_attention"):
            try:
                check_name(getattr(self, name))
            except UnknownAttention as error:
                raise ConfigError(f"{name}: {error}") from error
        ids = {"pad_id": self.pad_id, "end_id": self.end_id, "start_id": self.start_id}
        ids |= {f"style_token_ids[{style!r}]": i for style, i in self.style_token_ids.items()}
        for name, token_id in ids.items():
            if not 0 <= token_id < self.vocabulary_size:
                raise ConfigError(f"{name} is {token_id}, not below {self.vocabulary_size}")

    @property
    def head_width(self) -> int:
        """D, the width of one head."""
        return self.width // self.heads

    @property
    def attention_sizes(self) -> Sizes:
        """What builds a mechanism of the zoo, wherever in the network it works."""
        return Sizes(width=self.width, heads=self.heads, positions=self.max_positions)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """Read the parsed `config.json` of any family we know.

        Raises `ConfigError` naming an unknown architecture, a missing key, or a value that the
        network would not honour.
        """
        names = values.get("architectures") or ["(none named)"]
        family = _FAMILIES.get(names[0])
        if family is None:
            raise ConfigError(f"unknown architecture {names[0]!r}; known: {', '.join(_FAMILIES)}")
        return family.read(values)

    @classmethod
    def from_file(cls, path: Path) -> "ModelConfig":
        """Read a `config.json`."""
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))

    def to_dict(self) -> dict[str, Any]:
        """Write the `config.json` that `from_dict` reads back as an equal config."""
        return _FAMILIES[self.architecture].write(self)


_COUNTS = (
    "vocabulary_size",
    "width",
    "heads",
    "encoder_layers",
    "decoder_layers",
    "encoder_feed_forward_width",
    "decoder_feed_forward_width",
    "max_positions",
)


@dataclass(frozen=True)
class _Family:
    read: Callable[[Mapping[str, Any]], ModelConfig]
    write: Callable[[ModelConfig], dict[str, Any]]


# What PEGASUS calls each of our fields.
_PEGASUS_NAMES = {
    "vocabulary_size": "vocab_size",
    "width": "d_model",
    "heads": "encoder_attention_heads",
    "encoder_layers": "encoder_layers",
    "decoder_layers": "decoder_layers",
    "encoder_feed_forward_width": "encoder_ffn_dim",
    "decoder_feed_forward_width": "decoder_ffn_dim",
    "max_positions": "max_position_embeddings",
    "pad_id": "pad_token_id",
    "end_id": "eos_token_id",
    "start_id": "decoder_start_token_id",
}
_OPTIONAL_NAMES = (
    "dropout",
    "copy_head",
    "style_token_ids",
    "copy_attention",
    "cross_attention",
)

# What the network does, whatever the file says; a file that says otherwise is refused.
_PEGASUS_FIXED = {
    "activation_function": "gelu",
    "scale_embedding": True,
    "normalize_before": True,
    "normalize_embedding": False,
    "add_final_layer_norm": True,
    "static_position_embeddings": True,
    "tie_word_embeddings": True,
}


def _read_pegasus(values: Mapping[str, Any]) -> ModelConfig:
    missing = [name for name in _PEGASUS_NAMES.values() if name not in values]
    if missing:
        raise ConfigError(f"missing from config.json: {', '.join(missing)}")
    for name, ours in _PEGASUS_FIXED.items():
        if values.get(name, ours) != ours:
            raise ConfigError(f"{name}={values[name]!r} is not supported; only {ours!r} is")
    if (
        values.get("decoder_attention_heads", values["encoder_attention_heads"])
        != (values["encoder_attention_heads"])
    ):
        raise ConfigError("encoder_attention_heads and decoder_attention_heads must be equal")
    fields = {ours: values[theirs] for ours, theirs in _PEGASUS_NAMES.items()}
    fields |= {name: values[name] for name in _OPTIONAL_NAMES if name in values}
    return ModelConfig(architecture="PegasusForConditionalGeneration", **fields)


def _write_pegasus(config: ModelConfig) -> dict[str, Any]:
    return {
        "model_type": "pegasus",
        "architectures": [config.architecture],
        **{theirs: getattr(config, ours) for ours, theirs in _PEGASUS_NAMES.items()},
        "decoder_attention_heads": config.heads,
        "forced_eos_token_id": config.end_id,
        **_PEGASUS_FIXED,
        "dropout": config.dropout,
        "copy_head": config.copy_head,
        "style_token_ids": dict(config.style_token_ids),
        "copy_attention": config.copy_attention,
        "cross_attention": config.cross_attention,
    }


_FAMILIES = {"PegasusForConditionalGeneration": _Family(_read_pegasus, _write_pegasus)}

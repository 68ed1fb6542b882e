"""What BART, mBART, PEGASUS, Marian and LED share: the keys of fairseq and the names of tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.checkpoints.families.family import Family
from model.checkpoints.families.own_keys import own_tensor_names, read_own_keys, write_own_keys
from model.checkpoints.families.reading import Reading
from model.network.config import ModelConfig

# What the files call each of our fields.
_SIZES = {
    "vocabulary_size": "vocab_size",
    "width": "d_model",
    "heads": "encoder_attention_heads",
    "encoder_layers": "encoder_layers",
    "decoder_layers": "decoder_layers",
    "encoder_feed_forward_width": "encoder_ffn_dim",
    "decoder_feed_forward_width": "decoder_ffn_dim",
}
_TOKENS = {"pad_id": "pad_token_id", "end_id": "eos_token_id", "start_id": "decoder_start_token_id"}

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
"""Our name of each activation by transformers', of which several may mean one."""

ACTIVATION_NAMES = {ours: theirs for theirs, ours in reversed(ACTIVATIONS.items())}
"""The first of transformers' names for each of ours."""

# Ours on the left, the file's on the right, within one layer.
_PROJECTIONS = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
_SELF_ATTENTION = {f"self_attention.{a}": f"self_attn.{b}" for a, b in _PROJECTIONS.items()}
_CROSS_ATTENTION = {f"cross_attention.{a}": f"encoder_attn.{b}" for a, b in _PROJECTIONS.items()}
_LAYER = {
    "self_attention_norm": "self_attn_layer_norm",
    "feed_forward_norm": "final_layer_norm",
    "feed_forward.inner": "fc1",
    "feed_forward.outer": "fc2",
}
_OF_MULTI_HEAD_ALONE = ("cross_attention.query", "cross_attention.key")


@dataclass(frozen=True)
class BartLayout:
    """What tells one family of this layout from another."""

    architecture: str
    model_type: str
    parts: Mapping[str, Any]  # fields of ModelConfig, the same in every file of the family
    fixed: Mapping[str, Any] = field(default_factory=dict)  # keys that may not say otherwise
    # Which field has which key, where families differ.
    places: Mapping[str, str] = field(
        default_factory=lambda: {"max_positions": "max_position_embeddings"}
    )
    windows_key: str | None = None
    same_as_vocabulary: tuple[str, ...] = ()  # keys that may not count other words
    prefix: str = "model."
    encoder_self_attention: Mapping[str, str] = field(default_factory=lambda: _SELF_ATTENTION)

    def family(self, name: str, base_architecture: str) -> Family:
        """The family of this layout."""
        stacks = [f"{self.prefix}{side}" for side in ("encoder", "decoder")]
        sinusoids = self.parts["positions"] == "sinusoidal"
        return Family(
            name=name,
            model_type=self.model_type,
            architectures=(self.architecture,),
            base_architectures=(base_architecture,),
            read=self.read,
            write=self.write,
            tensor_names=self.tensor_names,
            prefix=self.prefix,
            token_matrix_aliases=tuple(f"{stack}.embed_tokens.weight" for stack in stacks),
            output_bias_name="final_logits_bias",
            sinusoid_names=tuple(f"{stack}.embed_positions.weight" for stack in stacks)
            if sinusoids
            else (),
            unread_names=tuple(f"{stack}.version" for stack in stacks),
        )

    def read(self, values: Mapping[str, Any]) -> ModelConfig:
        """The config.json of this family as a ModelConfig; raises `ConfigError`."""
        reading = Reading(values)
        fields: dict[str, Any] = {
            ours: reading.count(theirs) for ours, theirs in {**_SIZES, **self.places}.items()
        }
        fields["pad_id"] = reading.count("pad_token_id")
        fields["end_id"] = reading.count("eos_token_id")
        # Generation in transformers falls back likewise.
        fields["start_id"] = reading.count("decoder_start_token_id", "bos_token_id")
        for key in self.same_as_vocabulary:
            size = reading.count(key, default=fields["vocabulary_size"])
            if size != fields["vocabulary_size"]:
                reading.refuse(f"{key} is {size}, not vocab_size, {fields['vocabulary_size']}")
        decoder_heads = reading.count("decoder_attention_heads", default=fields["heads"])
        if decoder_heads != fields["heads"]:
            reading.refuse(
                "encoder_attention_heads and decoder_attention_heads must be equal, "
                f"not {fields['heads']} and {decoder_heads}"
            )
        if "scale_embedding" not in self.parts:
            fields["scale_embedding"] = reading.flag("scale_embedding", False)
        fields |= {
            "activation": reading.choice("activation_function", ACTIVATIONS, "gelu"),
            "tied_output": reading.flag("tie_word_embeddings", True),
            "dropout": reading.number("dropout", 0.0),
            "inner_dropout": reading.number("activation_dropout", 0.0),
        }
        if self.windows_key:
            windows = reading.counts(self.windows_key, fields["encoder_layers"])
            fields["attention_windows"] = windows
        fields |= read_own_keys(reading)
        reading.require(self.fixed)
        reading.finish()
        return ModelConfig(
            architecture=self.architecture,
            **fields,
            **self.parts,
            other_keys=reading.other_keys(),
        )

    def write(self, config: ModelConfig) -> dict[str, Any]:
        """The config.json of a ModelConfig of this family."""
        keys = {**_SIZES, **self.places, **_TOKENS}
        values: dict[str, Any] = {
            "model_type": self.model_type,
            "architectures": [config.architecture],
            **{theirs: getattr(config, ours) for ours, theirs in keys.items()},
            "decoder_attention_heads": config.heads,
            "activation_function": ACTIVATION_NAMES[config.activation],
            "tie_word_embeddings": config.tied_output,
            "dropout": config.dropout,
            "activation_dropout": config.inner_dropout,
        }
        if "scale_embedding" not in self.parts:
            values["scale_embedding"] = config.scale_embedding
        if self.windows_key:
            values[self.windows_key] = list(config.attention_windows)
        values |= dict.fromkeys(self.same_as_vocabulary, config.vocabulary_size)
        own = write_own_keys(config)
        return {**values, **self.fixed, **own, **config.other_keys}

    def tensor_names(self, config: ModelConfig) -> dict[str, str]:
        """Every tensor of our network by name, with the name it has in a file of this family.

        What the family does not have, the copy head and the other cross-attentions, keeps ours.
        """
        names = {"embedding.tokens.weight": f"{self.prefix}shared.weight"}
        for side, layers in (
            ("encoder", config.encoder_layers),
            ("decoder", config.decoder_layers),
        ):
            names |= self._stack_names(config, side, layers)
        if not config.tied_output:
            names["output.weight"] = "lm_head.weight"
        if config.output_bias:
            names["output_bias"] = "final_logits_bias"
        cross = {
            f"decoder.layers.{layer}.cross_attention": (
                f"{self.prefix}decoder.layers.{layer}.encoder_attn"
            )
            for layer in range(config.decoder_layers)
        }
        return names | own_tensor_names(config, cross)

    def _stack_names(self, config: ModelConfig, side: str, layers: int) -> dict[str, str]:
        table = {
            **_LAYER,
            **(self.encoder_self_attention if side == "encoder" else _SELF_ATTENTION),
        }
        if side == "decoder":
            table["cross_attention_norm"] = "encoder_attn_layer_norm"
            table |= _CROSS_ATTENTION
            if config.cross_attention != "multi_head":
                table = {a: b for a, b in table.items() if a not in _OF_MULTI_HEAD_ALONE}
        modules = {
            f"layers.{layer}.{ours}": f"layers.{layer}.{theirs}"
            for layer in range(layers)
            for ours, theirs in table.items()
        }
        if config.final_norm:
            modules["norm"] = "layer_norm"
        if config.embedding_norm:
            modules["embedding_norm"] = "layernorm_embedding"
        names = {
            f"{side}.{ours}.{part}": f"{self.prefix}{side}.{theirs}.{part}"
            for ours, theirs in modules.items()
            for part in ("weight", "bias")
        }
        if config.positions == "learned":
            names[f"{side}.positions.weight"] = f"{self.prefix}{side}.embed_positions.weight"
        return names

"""T5, FLAN-T5 and mT5: a bias on distances in place of positions, RMS norms, no biases elsewhere.

"Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", Raffel et al.
2020. From version 1.1 on, and so in FLAN-T5 and mT5 ("mT5: A massively multilingual pre-trained
text-to-text transformer", Xue et al. 2021), the feed-forward is gated and the output projection is
a matrix of its own; the keys of config.json say which it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.checkpoints.families.family import Family
from model.checkpoints.families.own_keys import own_tensor_names, read_own_keys, write_own_keys
from model.checkpoints.families.reading import Reading
from model.network.config import ConfigError, ModelConfig

# T5 knows no last position. This is our limit where `n_positions` does not set another.
POSITIONS_UNLESS_SAID = 1024

_SIZES = {
    "vocabulary_size": "vocab_size",
    "width": "d_model",
    "separate_head_width": "d_kv",
    "heads": "num_heads",
    "encoder_layers": "num_layers",
    "encoder_feed_forward_width": "d_ff",
    "pad_id": "pad_token_id",
    "end_id": "eos_token_id",
    "start_id": "decoder_start_token_id",
}
_OPTIONAL_COUNTS = {
    "relative_buckets": ("relative_attention_num_buckets", 32),
    "relative_max_distance": ("relative_attention_max_distance", 128),
    "max_positions": ("n_positions", POSITIONS_UNLESS_SAID),
}

# feed_forward_proj -> activation and gate. "gated-gelu" means the approximate one.
_FEED_FORWARDS = {
    "relu": ("relu", False),
    "gelu": ("gelu", False),
    "gelu_new": ("gelu_tanh", False),
    "silu": ("silu", False),
    "gated-gelu": ("gelu_tanh", True),
    "gated-relu": ("relu", True),
    "gated-silu": ("silu", True),
}
_FEED_FORWARD_NAMES = {parts: name for name, parts in _FEED_FORWARDS.items()}

_PARTS: Mapping[str, Any] = {
    "positions": "relative",
    "norm": "rms",
    "norm_first": True,
    "final_norm": True,
    "embedding_norm": False,
    "scale_embedding": False,
    "scale_attention": False,
    "biases": False,
}

_PROJECTIONS = {"query": "q", "key": "k", "value": "v", "out": "o"}
_OF_MULTI_HEAD_ALONE = ("query", "key")


@dataclass(frozen=True)
class T5Layout:
    """What tells T5 from mT5: what their files leave unsaid."""

    architecture: str
    model_type: str
    tied_unless_said: bool
    feed_forward_unless_said: str

    def read(self, values: Mapping[str, Any]) -> ModelConfig:
        """The config.json of this family as a ModelConfig; raises `ConfigError`."""
        reading = Reading(values)
        fields: dict[str, Any] = {ours: reading.count(key) for ours, key in _SIZES.items()}
        for ours, (key, default) in _OPTIONAL_COUNTS.items():
            fields[ours] = reading.count(key, default=default)
        fields["decoder_layers"] = reading.count(
            "num_decoder_layers", default=fields["encoder_layers"]
        )
        fields["decoder_feed_forward_width"] = fields["encoder_feed_forward_width"]
        fields["norm_epsilon"] = reading.number("layer_norm_epsilon", 1e-6)
        fields["activation"], fields["gated"] = reading.choice(
            "feed_forward_proj", _FEED_FORWARDS, self.feed_forward_unless_said
        )
        tied = reading.flag("tie_word_embeddings", self.tied_unless_said)
        fields["tied_output"] = fields["scale_output"] = tied
        dropout = reading.number("dropout_rate", 0.1)
        fields["dropout"] = fields["inner_dropout"] = fields["final_dropout"] = dropout
        fields |= read_own_keys(reading)
        reading.finish()
        return ModelConfig(
            architecture=self.architecture, **fields, **_PARTS, other_keys=reading.other_keys()
        )

    def write(self, config: ModelConfig) -> dict[str, Any]:
        """The config.json of a ModelConfig of this family."""
        feed_forward = _FEED_FORWARD_NAMES.get((config.activation, config.gated))
        if feed_forward is None:
            raise ConfigError(f"T5 has no name for a gated feed-forward with {config.activation!r}")
        return {
            "model_type": self.model_type,
            "architectures": [config.architecture],
            **{key: getattr(config, ours) for ours, key in _SIZES.items()},
            **{key: getattr(config, ours) for ours, (key, _) in _OPTIONAL_COUNTS.items()},
            "num_decoder_layers": config.decoder_layers,
            "layer_norm_epsilon": config.norm_epsilon,
            "feed_forward_proj": feed_forward,
            "tie_word_embeddings": config.tied_output,
            "dropout_rate": config.dropout,
            **write_own_keys(config),
            **config.other_keys,
        }

    def tensor_names(self, config: ModelConfig) -> dict[str, str]:
        """Every tensor of our network by name, with the name it has in a file of this family."""
        names = {"embedding.tokens.weight": "shared.weight"}
        for side, layers in (
            ("encoder", config.encoder_layers),
            ("decoder", config.decoder_layers),
        ):
            names[f"{side}.relative_bias.table"] = (
                f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias"
            )
            names[f"{side}.norm"] = f"{side}.final_layer_norm"
            table = _sublayers(config, side)
            for layer in range(layers):
                for ours, theirs in table.items():
                    names[f"{side}.layers.{layer}.{ours}"] = f"{side}.block.{layer}.{theirs}"
        if not config.tied_output:
            names["output"] = "lm_head"
        names = {
            ours if ours.endswith("weight") else f"{ours}.weight": (
                theirs if theirs.endswith("weight") else f"{theirs}.weight"
            )
            for ours, theirs in names.items()
        }
        cross = {
            f"decoder.layers.{layer}.cross_attention": (
                f"decoder.block.{layer}.layer.1.EncDecAttention"
            )
            for layer in range(config.decoder_layers)
        }
        return names | own_tensor_names(config, cross)

    def family(self, name: str, base_architecture: str, aliases: tuple[str, ...] = ()) -> Family:
        """The family of this layout."""
        return Family(
            name=name,
            model_type=self.model_type,
            architectures=(self.architecture, *aliases),
            base_architectures=(base_architecture,),
            read=self.read,
            write=self.write,
            tensor_names=self.tensor_names,
            token_matrix_aliases=("encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
            # A table that the first T5 files held and their network never read.
            unread_names=(
                "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
            ),
        )


def _sublayers(config: ModelConfig, side: str) -> dict[str, str]:
    """Ours -> the file's, within one layer. The file numbers sublayers, and norms are in them."""
    table = {"self_attention_norm": "layer.0.layer_norm"}
    for ours, theirs in _PROJECTIONS.items():
        table[f"self_attention.{ours}"] = f"layer.0.SelfAttention.{theirs}"
        plain = config.cross_attention == "multi_head" or ours not in _OF_MULTI_HEAD_ALONE
        if side == "decoder" and plain:
            table[f"cross_attention.{ours}"] = f"layer.1.EncDecAttention.{theirs}"
    if side == "decoder":
        table["cross_attention_norm"] = "layer.1.layer_norm"
    last = "layer.1" if side == "encoder" else "layer.2"
    table["feed_forward_norm"] = f"{last}.layer_norm"
    projections = {"inner": "wi", "outer": "wo"}
    if config.gated:
        projections = {"gate": "wi_0", "inner": "wi_1", "outer": "wo"}
    for ours, theirs in projections.items():
        table[f"feed_forward.{ours}"] = f"{last}.DenseReluDense.{theirs}"
    return table


T5 = T5Layout(
    architecture="T5ForConditionalGeneration",
    model_type="t5",
    tied_unless_said=True,
    feed_forward_unless_said="relu",
).family("T5", "T5Model", aliases=("T5WithLMHeadModel",))  # the first name of the same network

MT5 = T5Layout(
    architecture="MT5ForConditionalGeneration",
    model_type="mt5",
    tied_unless_said=False,
    feed_forward_unless_said="gated-gelu",
).family("mT5", "MT5Model")

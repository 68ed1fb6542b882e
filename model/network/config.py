"""The shape of one encoder-decoder: everything that decides how the network is put together.

One frozen `ModelConfig` describes every family that we can run, part by part. It is read from a
`config.json` and written to one by model/checkpoints/config_file.py. The defaults describe the
project's own model, which is laid out as PEGASUS is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from model.network.zoo import Sizes, UnknownAttention, check_name

POSITIONS = ("sinusoidal", "learned", "relative")
NORMS = ("layer", "rms")
ACTIVATIONS = ("gelu", "gelu_tanh", "relu", "silu")


class ConfigError(ValueError):
    """A `config.json` that this network cannot honour; the message names the key and the value."""


@dataclass(frozen=True)
class ModelConfig:
    """The geometry, the parts and the special tokens of one encoder-decoder."""

    architecture: str  # as `architectures` of config.json names it
    vocabulary_size: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    encoder_feed_forward_width: int
    decoder_feed_forward_width: int
    max_positions: int  # of a source; of a target too, unless `separate_target_positions`
    pad_id: int
    end_id: int
    start_id: int

    # How it learns. Attention weights are never dropped.
    dropout: float = 0.0  # after the embedding and each sublayer
    inner_dropout: float = 0.0  # inside the feed-forward, after the activation
    final_dropout: float = 0.0  # after each stack

    # What is our own, in any family.
    copy_head: bool = False
    style_token_ids: Mapping[str, int] = field(default_factory=dict)
    copy_attention: str = "general"  # how the copy head looks, by its name in model/network/zoo.py
    cross_attention: str = "multi_head"  # how the decoder looks at the source, likewise

    # Where a token stands.
    positions: str = "sinusoidal"
    position_offset: int = 0  # row of a learned table that place 0 reads
    separate_target_positions: int | None = None  # None: as many as of a source
    relative_buckets: int = 32
    relative_max_distance: int = 128

    # The token matrix, and the way back from states to words.
    scale_embedding: bool = True  # times sqrt(width)
    embedding_norm: bool = False
    tied_output: bool = True  # words are scored with the token matrix, or with one of their own
    scale_output: bool = False  # states times 1 / sqrt(width) before they are scored
    output_bias: bool = False  # added to the scores; decided by the weights, not by config.json

    # Inside a layer.
    norm: str = "layer"
    norm_epsilon: float = 1e-5
    norm_first: bool = True  # x + part(norm(x)), or norm(x + part(x))
    final_norm: bool = True  # after the last layer of each stack
    biases: bool = True  # of the projections in attention and feed-forward
    activation: str = "gelu"
    gated: bool = False
    scale_attention: bool = True  # scores times 1 / sqrt(head_width)
    separate_head_width: int | None = None  # None: width / heads
    attention_windows: tuple[int, ...] = ()  # one for each encoder layer; () sees the whole source

    # Keys of config.json that say nothing of the network; they are written back as they came.
    other_keys: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("style_token_ids", "other_keys"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        object.__setattr__(self, "attention_windows", tuple(self.attention_windows))
        for check in (_check_sizes, _check_choices, _check_relative, _check_windows, _check_ids):
            check(self)

    @property
    def head_width(self) -> int:
        """D, the width of one head."""
        return self.separate_head_width or self.width // self.heads

    @property
    def max_target_positions(self) -> int:
        """How many tokens a target may have, the start token included."""
        return self.separate_target_positions or self.max_positions

    @property
    def attention_sizes(self) -> Sizes:
        """What builds a mechanism of the zoo, wherever in the network it works."""
        return Sizes(width=self.width, heads=self.heads, positions=self.max_positions)


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


def _check_sizes(config: ModelConfig) -> None:
    for name in _COUNTS:
        if getattr(config, name) < 1:
            raise ConfigError(f"{name} must be at least 1, not {getattr(config, name)}")
    for name in ("separate_head_width", "separate_target_positions"):
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1, not {value}")
    for name in ("dropout", "inner_dropout", "final_dropout"):
        if not 0 <= getattr(config, name) < 1:
            raise ConfigError(f"{name} is {getattr(config, name)}, not from 0 to below 1")
    if not config.norm_epsilon > 0:
        raise ConfigError(f"norm_epsilon must be above 0, not {config.norm_epsilon}")
    if config.separate_head_width is None and config.width % config.heads:
        raise ConfigError(f"width {config.width} does not divide into {config.heads} heads")
    if config.positions == "sinusoidal" and config.width % 2:
        raise ConfigError(f"width {config.width} must be even: half sines, half cosines")


def _check_choices(config: ModelConfig) -> None:
    for name, choices in (("positions", POSITIONS), ("norm", NORMS), ("activation", ACTIVATIONS)):
        if getattr(config, name) not in choices:
            raise ConfigError(f"{name}={getattr(config, name)!r} is none of {', '.join(choices)}")
    for name in ("copy_attention", "cross_attention"):
        try:
            check_name(getattr(config, name))
        except UnknownAttention as error:
            raise ConfigError(f"{name}: {error}") from error


def _check_relative(config: ModelConfig) -> None:
    if config.positions != "relative":
        return
    if config.relative_buckets < 4 or config.relative_buckets % 2:
        raise ConfigError(f"relative_buckets {config.relative_buckets} must be even, and 4 or more")
    exact = config.relative_buckets // 2
    if config.relative_max_distance <= exact:
        raise ConfigError(
            f"relative_max_distance {config.relative_max_distance} must be above {exact}, "
            f"half of {config.relative_buckets} relative_buckets"
        )


def _check_windows(config: ModelConfig) -> None:
    windows = config.attention_windows
    if windows and len(windows) != config.encoder_layers:
        raise ConfigError(
            f"there are {len(windows)} attention_windows for {config.encoder_layers} encoder layers"
        )
    if odd := [window for window in windows if window < 2 or window % 2]:
        raise ConfigError(f"attention_windows must be even, and 2 or more, not {odd[0]}")


def _check_ids(config: ModelConfig) -> None:
    ids = {"pad_id": config.pad_id, "end_id": config.end_id, "start_id": config.start_id}
    ids |= {f"style_token_ids[{style!r}]": i for style, i in config.style_token_ids.items()}
    for name, token_id in ids.items():
        if not 0 <= token_id < config.vocabulary_size:
            raise ConfigError(f"{name} is {token_id}, not below {config.vocabulary_size}")

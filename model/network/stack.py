"""The two stacks of layers, encoder and decoder.

    B batch    S source    q new tokens    L cache capacity    H heads    D head width
    d model width

A sublayer changes x by what it makes of it: x + part(norm(x)) where the norm comes first
(PEGASUS, T5, mBART), norm(x + part(x)) where it comes last, as in "Attention Is All You Need"
(BART, Marian, LED).
"""

import torch
from torch import Tensor, nn

from model.network.attention import write_cache
from model.network.config import ModelConfig
from model.network.layers import CrossAttention, FeedForward, MultiHeadAttention, make_norm
from model.network.positions import LearnedPositions, RelativeBias
from model.network.window_attention import WindowAttention
from model.network.zoo import make_attention

Cache = list[tuple[Tensor, Tensor]]
"""One (key, value) pair a decoder layer: [B,H,S,D] each for cross, [B,H,L,D] for self.

A cross-attention other than multi-head has one head as wide as the model."""


class Layer(nn.Module):
    """Where the norms and the dropout stand around each sublayer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm_first = config.norm_first
        self.dropout = nn.Dropout(config.dropout)

    def into(self, norm: nn.Module, x: Tensor) -> Tensor:
        """What a sublayer reads of x."""
        return norm(x) if self.norm_first else x

    def add(self, norm: nn.Module, x: Tensor, change: Tensor) -> Tensor:
        """x with a sublayer's change."""
        x = x + self.dropout(change)
        return x if self.norm_first else norm(x)


class EncoderLayer(Layer):
    """Self-attention over the whole source or a window of it, then feed-forward."""

    def __init__(self, config: ModelConfig, window: int | None) -> None:
        super().__init__(config)
        self.self_attention_norm = make_norm(config)
        self.self_attention = (
            MultiHeadAttention.of(config) if window is None else WindowAttention(config, window)
        )
        self.feed_forward_norm = make_norm(config)
        self.feed_forward = FeedForward.of(config, config.encoder_feed_forward_width)

    def forward(self, x: Tensor, lengths: Tensor, bias: Tensor | None) -> Tensor:
        """[B,S,d] -> [B,S,d]."""
        read = self.into(self.self_attention_norm, x)
        change = self.self_attention.over_itself(read, lengths, bias)
        x = self.add(self.self_attention_norm, x, change)

        change = self.feed_forward(self.into(self.feed_forward_norm, x))
        return self.add(self.feed_forward_norm, x, change)


class DecoderLayer(Layer):
    """Causal self-attention, attention over the source, feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.self_attention_norm = make_norm(config)
        self.self_attention = MultiHeadAttention.of(config)
        self.cross_attention_norm = make_norm(config)
        self.cross_attention = _cross_attention(config)
        self.feed_forward_norm = make_norm(config)
        self.feed_forward = FeedForward.of(config, config.decoder_feed_forward_width)

    def forward(
        self,
        x: Tensor,
        position: Tensor,
        source_lengths: Tensor,
        cross: tuple[Tensor, Tensor],
        past: tuple[Tensor, Tensor] | None,
        bias: Tensor | None,
        causal: bool = True,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """[B,q,d] and the layer's cache -> [B,q,d] and the cache with the q new tokens in it."""
        read = self.into(self.self_attention_norm, x)
        key, value = self.self_attention.keys_and_values(read)  # [B,H,q,D] each
        if past is not None:
            key = write_cache(past[0], key, position)  # [B,H,L,D]
            value = write_cache(past[1], value, position)
        lengths = position + x.shape[1]  # [B]: the cached tokens and the new ones
        change = self.self_attention(read, key, value, lengths, causal=causal, bias=bias)
        x = self.add(self.self_attention_norm, x, change)

        read = self.into(self.cross_attention_norm, x)
        change = self.cross_attention(read, *cross, source_lengths)
        x = self.add(self.cross_attention_norm, x, change)

        change = self.feed_forward(self.into(self.feed_forward_norm, x))
        return self.add(self.feed_forward_norm, x, change), (key, value)


class Stack(nn.Module):
    """How tokens come into a stack of layers, and how states leave it."""

    def __init__(
        self, config: ModelConfig, layers: list[Layer], max_positions: int, two_way: bool
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm = make_norm(config) if config.final_norm else nn.Identity()
        self.embedding_norm = make_norm(config) if config.embedding_norm else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.final_dropout = nn.Dropout(config.final_dropout)
        self.positions = self.relative_bias = None
        if config.positions == "learned":
            self.positions = LearnedPositions(max_positions, config.width, config.position_offset)
        if config.positions == "relative":
            buckets, furthest = config.relative_buckets, config.relative_max_distance
            self.relative_bias = RelativeBias(buckets, furthest, config.heads, two_way)

    def enter(self, x: Tensor, places: Tensor) -> Tensor:
        """Embedded tokens [B,q,d] at [B,q] or [q] -> what the first layer reads, [B,q,d]."""
        if self.positions is not None:
            x = x + self.positions(places)
        return self.dropout(self.embedding_norm(x))

    def leave(self, x: Tensor) -> Tensor:
        """What the last layer says -> states [B,q,d]."""
        return self.final_dropout(self.norm(x))


class Encoder(Stack):
    """Reads the source, each token in sight of those before and after it."""

    def __init__(self, config: ModelConfig) -> None:
        windows = config.attention_windows or [None] * config.encoder_layers
        layers: list[Layer] = [EncoderLayer(config, window) for window in windows]
        super().__init__(config, layers, config.max_positions, two_way=True)

    def forward(self, x: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
        """Embedded tokens [B,S,d] at places [S] -> states [B,S,d].

        What padding positions hold afterwards means nothing.
        """
        bias = self.bias(places)
        x = self.enter(x, places)
        for layer in self.layers:
            x = layer(x, lengths, bias)
        return self.leave(x)

    def bias(self, places: Tensor) -> Tensor | None:
        """What relative positions add to the scores, [1,H,S,S], the same for every layer."""
        return None if self.relative_bias is None else self.relative_bias(places[None], places)


class Decoder(Stack):
    """Writes the target, each token in sight of those before it and of the source's states."""

    def __init__(self, config: ModelConfig) -> None:
        layers: list[Layer] = [DecoderLayer(config) for _ in range(config.decoder_layers)]
        super().__init__(config, layers, config.max_target_positions, two_way=False)

    def forward(
        self,
        x: Tensor,
        places: Tensor,
        position: Tensor,
        source_lengths: Tensor,
        cross: Cache,
        self_cache: Cache | None,
        slot_positions: Tensor | None,
        visible: Tensor | None = None,
    ) -> tuple[Tensor, Cache]:
        """Embedded tokens [B,q,d] at places [B,q] -> states [B,q,d] and the new self cache.

        `visible` [B,q,L] says which slots each token sees; without it, all up to its own.
        """
        x = self.enter(x, places)
        bias = None
        if self.relative_bias is not None:
            if slot_positions is None:
                capacity = x.shape[1] if self_cache is None else self_cache[0][0].shape[2]
                slot_positions = torch.arange(capacity, device=x.device)
            bias = self.relative_bias(places, slot_positions)  # [B,H,q,L]
        if visible is not None:
            hidden = torch.where(visible, 0.0, -torch.inf).to(x.dtype)[:, None]  # [B,1,q,L]
            bias = hidden if bias is None else bias + hidden
        causal = visible is None
        new_cache: Cache = []
        past = self_cache or [None] * len(self.layers)
        for layer, layer_cross, layer_past in zip(self.layers, cross, past, strict=True):
            x, layer_cache = layer(
                x, position, source_lengths, layer_cross, layer_past, bias, causal
            )
            new_cache.append(layer_cache)
        return self.leave(x), new_cache


def _cross_attention(config: ModelConfig) -> MultiHeadAttention | CrossAttention:
    if config.cross_attention == "multi_head":
        return MultiHeadAttention.of(config)
    mechanism = make_attention(config.cross_attention, config.attention_sizes)
    return CrossAttention(config.width, mechanism, bias=config.biases)

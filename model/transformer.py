"""The summariser: a pre-norm encoder-decoder in PEGASUS's layout, with an optional copy head.

    B batch    S source    T target    q new tokens    L cache capacity
    H heads    D head width    d model width    V vocabulary

"PEGASUS: Pre-training with Extracted Gap-sentences for Abstractive Summarization", Zhang et al.
2020. A document is encoded once; every decoder step then reads `cross`, the encoder's keys and
values for each decoder layer, and reads and extends `self_cache`, the decoder's own.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.attention import write_cache
from model.config import ModelConfig
from model.copy_head import CopyHead, mixture, source_bias
from model.layers import CrossAttention, Embedding, FeedForward, MultiHeadAttention, token_positions
from model.zoo import make_attention

Cache = list[tuple[Tensor, Tensor]]
"""One (key, value) pair a decoder layer: [B,H,S,D] each for cross, [B,H,L,D] for self.

A cross-attention other than multi-head has one head as wide as the model."""


class Distribution(NamedTuple):
    """What may come next, and the copying behind it (None without a copy head)."""

    probabilities: Tensor  # [B,q,V]
    copy_attention: Tensor | None  # [B,q,S]
    copy_gate: Tensor | None  # [B,q,1]


class EncoderLayer(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attention_norm = nn.LayerNorm(config.width)
        self.self_attention = MultiHeadAttention(config.width, config.heads)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.encoder_feed_forward_width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """[B,S,d] -> [B,S,d]."""
        normed = self.self_attention_norm(x)
        key, value = self.self_attention.keys_and_values(normed)  # [B,H,S,D] each
        x = x + self.dropout(self.self_attention(normed, key, value, lengths, causal=False))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class Encoder(nn.Module):
    """A stack of encoder layers and a final norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """[B,S,d] -> [B,S,d]; what padding positions hold afterwards means nothing."""
        for layer in self.layers:
            x = layer(x, lengths)
        return self.norm(x)


class DecoderLayer(nn.Module):
    """Causal self-attention, attention over the source, feed-forward; each x + part(norm(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attention_norm = nn.LayerNorm(config.width)
        self.self_attention = MultiHeadAttention(config.width, config.heads)
        self.cross_attention_norm = nn.LayerNorm(config.width)
        self.cross_attention = _cross_attention(config)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.decoder_feed_forward_width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        position: Tensor,
        source_lengths: Tensor,
        cross: tuple[Tensor, Tensor],
        past: tuple[Tensor, Tensor] | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """[B,q,d] and the layer's cache -> [B,q,d] and the cache with the q new tokens in it."""
        normed = self.self_attention_norm(x)
        key, value = self.self_attention.keys_and_values(normed)  # [B,H,q,D] each
        if past is not None:
            key = write_cache(past[0], key, position)  # [B,H,L,D]
            value = write_cache(past[1], value, position)
        lengths = position + x.shape[1]  # [B]: the cached tokens and the new ones
        x = x + self.dropout(self.self_attention(normed, key, value, lengths, causal=True))

        normed = self.cross_attention_norm(x)
        x = x + self.dropout(self.cross_attention(normed, *cross, source_lengths))
        x = x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        return x, (key, value)


class Decoder(nn.Module):
    """A stack of decoder layers and a final norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(
        self,
        x: Tensor,
        position: Tensor,
        source_lengths: Tensor,
        cross: Cache,
        self_cache: Cache | None,
    ) -> tuple[Tensor, Cache]:
        """[B,q,d] -> [B,q,d] and the new self cache."""
        new_cache: Cache = []
        past = self_cache or [None] * len(self.layers)
        for layer, layer_cross, layer_past in zip(self.layers, cross, past, strict=True):
            x, layer_cache = layer(x, position, source_lengths, layer_cross, layer_past)
            new_cache.append(layer_cache)
        return self.norm(x), new_cache


class Summarizer(nn.Module):
    """The whole network: `encode` and `cross_cache` once, then `decode` and `distribution`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config.vocabulary_size, config.width, config.max_positions)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.copy_head = _copy_head(config) if config.copy_head else None
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, source_ids: Tensor, source_lengths: Tensor) -> Tensor:
        """Read the documents: source_ids [B,S], source_lengths [B] -> states [B,S,d]."""
        positions = torch.arange(source_ids.shape[1], device=source_ids.device)  # [S]
        x = self.dropout(self.embedding(source_ids, positions))
        return self.encoder(x, source_lengths)

    def cross_cache(self, states: Tensor) -> Cache:
        """Project the states once for each decoder layer: (key, value), [B,H,S,D] each."""
        return [layer.cross_attention.keys_and_values(states) for layer in self.decoder.layers]

    def empty_self_cache(self, batch: int, capacity: int) -> Cache:
        """A self cache of zeros, [batch,H,capacity,D], of the network's own type and device."""
        shape = (batch, self.config.heads, capacity, self.config.head_width)
        like = self.embedding.tokens.weight
        return [(like.new_zeros(shape), like.new_zeros(shape)) for _ in self.decoder.layers]

    def decode(
        self,
        ids: Tensor,
        position: Tensor,
        source_lengths: Tensor,
        cross: Cache,
        self_cache: Cache | None,
    ) -> tuple[Tensor, Cache]:
        """Run q new tokens of each row: ids [B,q] -> hidden [B,q,d] and the new self cache.

        position [B] is how many tokens row b has cached already; its new ones stand, and are
        cached, at position[b] .. position[b]+q-1. Rows may be at different positions. Without a
        self cache (None) the new tokens are all there is, and position must be 0: so a whole
        target is read at once in training.
        """
        positions = token_positions(position, ids.shape[1])  # [B,q]
        x = self.dropout(self.embedding(ids, positions))
        return self.decoder(x, position, source_lengths, cross, self_cache)

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every word of the vocabulary: hidden @ tokens^T, [B,q,d] -> [B,q,V]."""
        return hidden @ self.embedding.tokens.weight.T

    def distribution(
        self, hidden: Tensor, states: Tensor, source_bias: Tensor, source_ids: Tensor
    ) -> Distribution:
        """Probabilities of the next token [B,q,V], copying included when there is a copy head.

        hidden [B,q,d], states [B,S,d], source_bias [B,S] (see `copy_head.source_bias`),
        source_ids [B,S].
        """
        p_vocab = torch.softmax(self.logits(hidden), dim=-1)
        if self.copy_head is None:
            return Distribution(p_vocab, None, None)
        attention, gate = self.copy_head(hidden, states, source_bias)
        return Distribution(mixture(p_vocab, attention, gate, source_ids), attention, gate)

    def forward(self, source_ids: Tensor, source_lengths: Tensor, target_ids: Tensor) -> Tensor:
        """Teacher forcing: the probabilities [B,T,V] that follow each target token.

        target_ids [B,T] begins with the start token. It is `decode` without a cache.
        """
        states = self.encode(source_ids, source_lengths)
        start = torch.zeros_like(source_lengths)
        cross = self.cross_cache(states)
        hidden, _ = self.decode(target_ids, start, source_lengths, cross, None)
        bias = source_bias(source_lengths, source_ids.shape[1], states.dtype)
        return self.distribution(hidden, states, bias, source_ids).probabilities


def _cross_attention(config: ModelConfig) -> MultiHeadAttention | CrossAttention:
    if config.cross_attention == "multi_head":
        return MultiHeadAttention(config.width, config.heads)
    mechanism = make_attention(config.cross_attention, config.attention_sizes)
    return CrossAttention(config.width, mechanism)


def _copy_head(config: ModelConfig) -> CopyHead:
    return CopyHead(config.width, make_attention(config.copy_attention, config.attention_sizes))

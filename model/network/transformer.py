"""The summariser: an encoder-decoder put together as its config says, with an optional copy head.

    B batch    S source    T target    q new tokens    L cache capacity
    H heads    D head width    d model width    V vocabulary

"Attention Is All You Need", Vaswani et al. 2017. One network runs every family
(model/checkpoints/families): they differ in where the norms stand, in how a token's place is told
and in small choices of `ModelConfig`. A document is encoded once; every decoder step then reads
`cross`, the encoder's keys and values for each decoder layer, and reads and extends `self_cache`,
the decoder's own.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.network.config import ModelConfig
from model.network.copy_head import CopyHead, mixture, source_bias
from model.network.layers import Embedding
from model.network.positions import token_positions
from model.network.stack import Cache, Decoder, Encoder
from model.network.zoo import make_attention, widened


class Tree(NamedTuple):
    """What tells the branches of a tree apart whose tokens share one cache.

    Beams keep several summaries of a document in one row; each token sees its own ancestors alone.
    """

    places: Tensor  # [B,q]: how many tokens come before each new one in its branch
    visible: Tensor  # [B,q,L] bool: the slots that each new token sees, its own among them
    slot_places: Tensor  # [B,L]: the place of each slot's token; relative positions read it


class Distribution(NamedTuple):
    """What may come next, and the copying behind it (None without a copy head)."""

    probabilities: Tensor  # [B,q,V]
    copy_attention: Tensor | None  # [B,q,S]
    copy_gate: Tensor | None  # [B,q,1]


class Summarizer(nn.Module):
    """The whole network: `encode` and `cross_cache` once, then `decode` and `distribution`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.output = None
        if not config.tied_output:
            self.output = nn.Linear(config.width, config.vocabulary_size, bias=False)
        bias = torch.zeros(1, config.vocabulary_size) if config.output_bias else None
        self.register_buffer("output_bias", bias)  # [1,V]; brought by checkpoints, never trained
        self.output_scale = 1 / math.sqrt(config.width) if config.scale_output else None
        self.copy_head = _copy_head(config) if config.copy_head else None

    def encode(
        self, source_ids: Tensor, source_lengths: Tensor, start: Tensor | None = None
    ) -> Tensor:
        """Read the documents: source_ids [B,S], source_lengths [B] -> states [B,S,d].

        Row b stands at the places from start[b] on, 0 unless training shifts it.
        """
        if start is None:
            places = torch.arange(source_ids.shape[1], device=source_ids.device)  # [S]
        else:
            places = token_positions(start, source_ids.shape[1])  # [B,S]
        return self.encoder(self.embedding(source_ids, places), places, source_lengths)

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
        slot_positions: Tensor | None = None,
        tree: Tree | None = None,
        places: Tensor | None = None,
    ) -> tuple[Tensor, Cache]:
        """Run q new tokens of each row: ids [B,q] -> hidden [B,q,d] and the new self cache.

        position [B] is how many tokens row b has cached already; its new ones stand, and are
        cached, at position[b] .. position[b]+q-1. Rows may be at different positions. Without a
        self cache (None) the new tokens are all there is, and position must be 0: so a whole
        target is read at once in training.

        slot_positions [L] is 0 .. L-1, the place that each slot of the cache stands for; only
        relative positions read it. An exported step takes it as an input, because a graph cannot
        count the slots without asking for a shape.

        With a tree, the new tokens are cached at the same slots, but where they stand and what they
        see is as the tree says. With `places` [B,q] alone, only where they stand is told: an
        exported graph cannot count the tokens either.
        """
        visible = None
        if tree is not None:
            places, visible, slot_positions = tree
        elif places is None:
            places = token_positions(position, ids.shape[1])  # [B,q]
        x = self.embedding(ids, places)
        return self.decoder(
            x, places, position, source_lengths, cross, self_cache, slot_positions, visible
        )

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every word of the vocabulary: hidden @ words^T, [B,q,d] -> [B,q,V].

        `words` is the token matrix unless the output has one of its own, which is called as a layer
        is, so that what hangs on it (LoRA) takes part.
        """
        if self.output_scale is not None:
            hidden = hidden * self.output_scale
        if self.output is None:
            scores = hidden @ self.embedding.tokens.weight.T
        else:
            scores = self.output(hidden)
        return scores if self.output_bias is None else scores + self.output_bias

    def distribution(
        self, hidden: Tensor, states: Tensor, source_bias: Tensor, source_ids: Tensor
    ) -> Distribution:
        """Probabilities of the next token [B,q,V], copying included when there is a copy head.

        hidden [B,q,d], states [B,S,d], source_bias [B,S] (see `copy_head.source_bias`),
        source_ids [B,S]. In half precision too they are float32, from the logits on: the sum over a
        vocabulary needs it.
        """
        p_vocab = torch.softmax(widened(self.logits(hidden)), dim=-1)
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


def _copy_head(config: ModelConfig) -> CopyHead:
    return CopyHead(config.width, make_attention(config.copy_attention, config.attention_sizes))

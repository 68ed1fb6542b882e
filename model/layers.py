"""The parts that encoder and decoder layers share.

B batch    q new tokens    L keys    H heads    D head width    d model width = H * D
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.attention import scaled_dot_product
from model.zoo import Attention, padding_mask


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each on its own D of the d channels.

    "Attention Is All You Need", section 3.2.2. Query, key and value have a Linear each rather
    than a joint one: on the CPU a joint one only adds a copy when its output is split.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Project what is attended to: [B,L,d] -> key and value, [B,H,L,D] each."""
        return self._split(self.key(states)), self._split(self.value(states))

    def forward(
        self, x: Tensor, key: Tensor, value: Tensor, lengths: Tensor, causal: bool = False
    ) -> Tensor:
        """Attend from x [B,q,d] over key and value [B,H,L,D] -> [B,q,d]."""
        query = self._split(self.query(x))  # [B,H,q,D]
        mixed = scaled_dot_product(query, key, value, lengths, causal)  # [B,H,q,D]
        return self.out(self._merge(mixed))  # [B,q,d]

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, self.head_width)).transpose(1, 2)

    def _merge(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)


class CrossAttention(nn.Module):
    """Any mechanism of the zoo where a decoder layer has `MultiHeadAttention` over the source.

    out(attention(x, states, value(states))): the mechanism compares x with the states themselves,
    since those that need projections to do so bring their own.
    """

    def __init__(self, width: int, mechanism: Attention) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Project what is attended to: [B,S,d] -> key and value of one head, [B,1,S,d] each."""
        return states[:, None], self.value(states)[:, None]

    def forward(self, x: Tensor, key: Tensor, value: Tensor, lengths: Tensor) -> Tensor:
        """Attend from x [B,q,d] over the first lengths[b] of key and value -> [B,q,d]."""
        mask = padding_mask(lengths, key.shape[2])  # [B,1,S]
        context, _ = self.mechanism(x, key[:, 0], value[:, 0], mask)
        return self.out(context)


class FeedForward(nn.Module):
    """outer(gelu(inner(x))), each position by itself, with the exact (erf) GELU.

    "Gaussian Error Linear Units", Hendrycks and Gimpel 2016.
    """

    def __init__(self, width: int, inner_width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, inner_width)
        self.outer = nn.Linear(inner_width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B,q,d] -> [B,q,d]."""
        return self.outer(F.gelu(self.inner(x)))


def sinusoids(positions: int, width: int) -> Tensor:
    """Fixed position embeddings [positions, width]: sines in the first half, cosines after.

    Channel j of each half turns at 10000^(-2j/width). "Attention Is All You Need", section 3.5,
    with PEGASUS's order of channels. Computed in float64, as the checkpoints were.
    """
    rate = 10000 ** (-2 * torch.arange(width // 2, dtype=torch.float64) / width)  # [d/2]
    angle = torch.arange(positions, dtype=torch.float64)[:, None] * rate  # [positions, d/2]
    return torch.cat([angle.sin(), angle.cos()], dim=-1).float()


def token_positions(position: Tensor, count: int) -> Tensor:
    """Positions [B,count] of `count` tokens that start at position [B].

    A count of exactly one, known while exporting, leaves no arange (hence no Shape or Range node)
    in the graph, which CUDA graph capture needs.
    """
    first = position[:, None]  # [B,1]
    if isinstance(count, int) and count == 1:
        return first
    return first + torch.arange(count, device=position.device)


class Embedding(nn.Module):
    """Token embedding times sqrt(d), plus the sinusoid of the token's position.

    The token matrix is shared by encoder, decoder and the output projection ("Using the Output
    Embedding to Improve Language Models", Press and Wolf 2017).
    """

    positions: Tensor  # [max_positions, d]

    def __init__(self, vocabulary_size: int, width: int, max_positions: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary_size, width)
        self.scale = math.sqrt(width)
        self.register_buffer("positions", sinusoids(max_positions, width), persistent=False)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """ids [B,q] at positions [B,q], or [q] when every row starts alike -> [B,q,d]."""
        return self.tokens(ids) * self.scale + F.embedding(positions, self.positions)

"""The parts that encoder and decoder layers share.

B batch    q new tokens    L keys    H heads    D head width    d model width    f inner width
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.network.attention import scaled_dot_product
from model.network.config import ModelConfig
from model.network.positions import sinusoids
from model.network.zoo import Attention, padding_mask


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each on its own D channels of H * D.

    "Attention Is All You Need", section 3.2.2. Query, key and value have a Linear each rather
    than a joint one: on the CPU a joint one only adds a copy when its output is split. T5 has no
    biases, does not scale its scores (`scale` 1), and its H * D may differ from d.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        head_width: int | None = None,
        bias: bool = True,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width or width // heads
        self.scale = scale
        inner = self.heads * self.head_width
        self.query = nn.Linear(width, inner, bias=bias)
        self.key = nn.Linear(width, inner, bias=bias)
        self.value = nn.Linear(width, inner, bias=bias)
        self.out = nn.Linear(inner, width, bias=bias)

    @classmethod
    def of(cls, config: ModelConfig) -> "MultiHeadAttention":
        """As the config describes it, wherever in the network."""
        return cls(
            config.width,
            config.heads,
            head_width=config.separate_head_width,
            bias=config.biases,
            scale=None if config.scale_attention else 1.0,
        )

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Project what is attended to: [B,L,d] -> key and value, [B,H,L,D] each."""
        return self._split(self.key(states)), self._split(self.value(states))

    def over_itself(self, x: Tensor, lengths: Tensor, bias: Tensor | None = None) -> Tensor:
        """Let each token of x [B,S,d] look at the first lengths[b] of them -> [B,S,d]."""
        return self(x, *self.keys_and_values(x), lengths, causal=False, bias=bias)

    def forward(
        self,
        x: Tensor,
        key: Tensor,
        value: Tensor,
        lengths: Tensor,
        causal: bool = False,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Attend from x [B,q,d] over key and value [B,H,L,D] -> [B,q,d]; bias [B or 1,H,q,L]."""
        query = self._split(self.query(x))  # [B,H,q,D]
        mixed = scaled_dot_product(query, key, value, lengths, causal, bias, self.scale)
        return self.out(self._merge(mixed))  # [B,q,d]

    def weights(self, x: Tensor, key: Tensor, lengths: Tensor) -> Tensor:
        """How much each token of x [B,q,d] takes from each key [B,H,L,D]: [B,H,q,L].

        The fused operation gives mixtures of values alone. Mixing the rows of an identity brings
        its weights out, whatever it does to the scores.
        """
        query = self._split(self.query(x))  # [B,H,q,D]
        identity = torch.eye(key.shape[2], dtype=key.dtype, device=key.device)
        each = identity.expand(*key.shape[:2], -1, -1)  # [B,H,L,L]
        return scaled_dot_product(query, key, each, lengths, False, None, self.scale)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, self.head_width)).transpose(1, 2)

    def _merge(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2).flatten(2)


class CrossAttention(nn.Module):
    """Any mechanism of the zoo where a decoder layer has `MultiHeadAttention` over the source.

    out(attention(x, states, value(states))): the mechanism compares x with the states themselves,
    since those that need projections to do so bring their own.
    """

    def __init__(self, width: int, mechanism: Attention, *, bias: bool = True) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.value = nn.Linear(width, width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)

    def keys_and_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Project what is attended to: [B,S,d] -> key and value of one head, [B,1,S,d] each."""
        return states[:, None], self.value(states)[:, None]

    def forward(self, x: Tensor, key: Tensor, value: Tensor, lengths: Tensor) -> Tensor:
        """Attend from x [B,q,d] over the first lengths[b] of key and value -> [B,q,d]."""
        mask = padding_mask(lengths, key.shape[2])  # [B,1,S]
        context, _ = self.mechanism(x, key[:, 0], value[:, 0], mask)
        return self.out(context)

    def weights(self, x: Tensor, key: Tensor, lengths: Tensor) -> Tensor:
        """How much each token of x [B,q,d] takes from each key [B,1,S,d]: [B,1,q,S]."""
        _, weights = self.mechanism(x, key[:, 0], key[:, 0], padding_mask(lengths, key.shape[2]))
        return weights[:, None]


ACTIVATION_FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    # x Phi(x), exact (erf): "Gaussian Error Linear Units", Hendrycks and Gimpel 2016.
    "gelu": F.gelu,
    # The same paper's approximation of it by a tanh.
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    # x sigmoid(x), also called swish: "Searching for Activation Functions", Ramachandran 2017.
    "silu": F.silu,
}


class FeedForward(nn.Module):
    """outer(activation(inner(x))), each position by itself.

    Gated: outer(activation(gate(x)) * inner(x)), "GLU Variants Improve Transformer", Shazeer 2020.
    """

    def __init__(
        self,
        width: int,
        inner_width: int,
        *,
        activation: str = "gelu",
        gated: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = ACTIVATION_FUNCTIONS[activation]
        self.gate = nn.Linear(width, inner_width, bias=bias) if gated else None
        self.inner = nn.Linear(width, inner_width, bias=bias)
        self.outer = nn.Linear(inner_width, width, bias=bias)
        self.dropout = nn.Dropout(dropout)

    @classmethod
    def of(cls, config: ModelConfig, inner_width: int) -> "FeedForward":
        """As the config describes it; encoder and decoder differ in their inner width."""
        return cls(
            config.width,
            inner_width,
            activation=config.activation,
            gated=config.gated,
            bias=config.biases,
            dropout=config.inner_dropout,
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B,q,d] -> [B,q,d]."""
        if self.gate is None:
            inner = self.activation(self.inner(x))  # [B,q,f]
        else:
            inner = self.activation(self.gate(x)) * self.inner(x)  # [B,q,f]
        return self.outer(self.dropout(inner))


class RmsNorm(nn.Module):
    """weight * x / sqrt(mean(x^2) + epsilon): no mean is taken away and no bias added.

    "Root Mean Square Layer Normalization", Zhang and Sennrich 2019. Squares are summed in float32,
    whose range float16 does not have.
    """

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """[...,d] -> [...,d]."""
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.epsilon)
        return self.weight * normed.to(x.dtype)


def make_norm(config: ModelConfig) -> nn.Module:
    """The kind of norm that this network has throughout."""
    if config.norm == "rms":
        return RmsNorm(config.width, config.norm_epsilon)
    return nn.LayerNorm(config.width, eps=config.norm_epsilon)


class Embedding(nn.Module):
    """Token embedding; as configured, times sqrt(d) and plus the sinusoid of the place.

    The token matrix is shared by encoder and decoder and, unless the config says otherwise, by the
    output projection ("Using the Output Embedding to Improve Language Models", Press and Wolf
    2017). Learned positions are each stack's own: see model/network/stack.py.
    """

    positions: Tensor | None  # [max_positions, d]

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tokens = nn.Embedding(config.vocabulary_size, config.width)
        self.scale = math.sqrt(config.width) if config.scale_embedding else None
        table = None
        if config.positions == "sinusoidal":
            places = max(config.max_positions, config.max_target_positions)
            table = sinusoids(places, config.width)
        self.register_buffer("positions", table, persistent=False)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """ids [B,q] at positions [B,q], or [q] when every row starts alike -> [B,q,d]."""
        x = self.tokens(ids)
        if self.scale is not None:
            x = x * self.scale
        return x if self.positions is None else x + F.embedding(positions, self.positions)

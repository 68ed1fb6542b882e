"""The attention zoo: seven ways to look at a list of keys, side by side, behind one signature.

    q queries    k keys    d width of queries and keys    v width of values
    H heads    D head width    ... leading axes, such as the batch; they may broadcast

Each mechanism is `attention(query, key, value, mask) -> (context, weights)`:

    weights = softmax(scores(query, key))    [...,q,k]    each row sums to one
    context = weights @ value                [...,q,v]

and they differ in the scores alone. The mask holds booleans, broadcasts to [...,q,k] and is True
where a query may look; a query that may look nowhere gets zero weights and a zero context. The
option `key_bias` [B,k] is finite and added to each key's scores, whichever query asks: it
discourages where a mask forbids, and is what an exported graph has as an input.

float16 and bfloat16 are computed in float32 and rounded once at the end, because the product of
two large float16 vectors is beyond float16.

The summariser reads its own source with these when its config says so (`copy_attention`,
`cross_attention`); model/network/attention.py is the one operation that its cache and the exporter
need.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """What the mechanisms share: a mechanism is this with `scores` of its own."""

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well each key suits each query: [...,q,d] and [...,k,d] -> [...,q,k]."""
        raise NotImplementedError

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        key_bias: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """query [...,q,d], key [...,k,d], value [...,k,v] -> [...,q,v] and [...,q,k]."""
        scores = self.scores(widened(query), widened(key))  # [...,q,k]
        if key_bias is not None:
            scores = scores + key_bias[:, None, :]  # [B,1,k]
        weights = masked_softmax(scores, mask)
        context = weights @ widened(value)  # [...,q,v]
        return _as(context, value.dtype), _as(weights, value.dtype)


class Dot(Attention):
    """score(q, k) = q . k: the longer and the more alike, the higher.

    "Effective Approaches to Attention-based Neural Machine Translation", Luong et al. 2015,
    section 3.1, "dot".
    """

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[...,q,k]."""
        return query @ key.transpose(-2, -1)


class ScaledDotProduct(Attention):
    """score(q, k) = q . k / sqrt(d), which keeps the scores' spread the same whatever d is.

    "Attention Is All You Need", Vaswani et al. 2017, section 3.2.1.
    """

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[...,q,k]."""
        return query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])


class General(Attention):
    """score(q, k) = scale * (W q) . k: bilinear, so queries and keys may live in two spaces.

    Luong et al. 2015, section 3.1, "general", with a scale of one.
    """

    def __init__(self, query_width: int, key_width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(_uniform(key_width, query_width))  # W
        self.scale = scale

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[...,q,k]."""
        turned = F.linear(query, widened(self.weight))  # [...,q,d of the keys]
        return turned @ key.transpose(-2, -1) * self.scale


class Additive(Attention):
    """score(q, k) = v . tanh(W q + U k): a small network, which sees each pair of query and key.

    "Neural Machine Translation by Jointly Learning to Align and Translate", Bahdanau et al. 2015,
    appendix A.1.2. Holds [...,q,k,hidden] numbers at once, `hidden` times what a product needs.
    """

    def __init__(self, query_width: int, key_width: int, hidden_width: int) -> None:
        super().__init__()
        self.query_weight = nn.Parameter(_uniform(hidden_width, query_width))  # W
        self.key_weight = nn.Parameter(_uniform(hidden_width, key_width))  # U
        self.score_weight = nn.Parameter(_uniform(1, hidden_width))  # v

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[...,q,k]."""
        asked = F.linear(query, widened(self.query_weight))[..., :, None, :]  # [...,q,1,hidden]
        offered = F.linear(key, widened(self.key_weight))[..., None, :, :]  # [...,1,k,hidden]
        return F.linear(torch.tanh(asked + offered), widened(self.score_weight)).squeeze(-1)


class Location(Attention):
    """score(q, k at place j) = w_j . q: the query alone says where to look, whatever stands there.

    Luong et al. 2015, section 3.1, equation 8. It knows `positions` places; fewer keys use the
    first of them, and more are refused.
    """

    def __init__(self, query_width: int, positions: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(_uniform(positions, query_width))  # w_j are its rows

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[...,q,k]; of the keys only their number is read."""
        positions, key_count = self.weight.shape[0], key.shape[-2]
        if key_count > positions:
            raise ValueError(f"location-based attention knows {positions} keys, not {key_count}")
        return F.linear(query, widened(self.weight[:key_count]))


class Weighted(Attention):
    """score(row i, k) = w_i . k: each row asks with a weight vector that is fixed beforehand.

    Of the query only the number of its rows is read. A single weight vector serves every row; it
    is then the context vector of "Hierarchical Attention Networks for Document Classification",
    Yang et al. 2016, section 2.2.
    """

    def __init__(self, weight: Tensor) -> None:
        """weight [q,d], or [1,d] for any number of rows."""
        super().__init__()
        self.weight = nn.Parameter(weight)

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """[...,q,k]."""
        vectors, rows = self.weight.shape[0], query.shape[-2]
        if vectors not in (1, rows):
            raise ValueError(f"there are weight vectors for {vectors} rows, not for {rows}")
        weight = widened(self.weight).expand(rows, -1)  # [q,d]
        return weight @ key.transpose(-2, -1)


class MultiHead(Attention):
    """H scaled dot products side by side, each on its own D = d / H channels of projections.

    head_h = attention(Q W_h, K U_h, V Z_h),  context = [head_1; ...; head_H] O

    Vaswani et al. 2017, section 3.2.2, with a bias in each projection. Its weights are the mean
    over the heads, so they sum to one, yet the context is no mixture of the values themselves.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} does not divide into {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.each = ScaledDotProduct()

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        key_bias: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """[...,q,d], [...,k,d] and [...,k,d] -> [...,q,d] and [...,q,k]."""
        mixed, weights = self.each(
            self._split(_linear(self.query, query)),  # [...,H,q,D]
            self._split(_linear(self.key, key)),  # [...,H,k,D]
            self._split(_linear(self.value, value)),
            mask=None if mask is None else mask.unsqueeze(-3),  # the same for every head
            key_bias=None if key_bias is None else key_bias[:, None, :],
        )
        context = _linear(self.out, mixed.transpose(-3, -2).flatten(-2))  # [...,q,d]
        if mask is not None:
            # The bias of `out` would turn the zeros of a query that sees nothing into something.
            context = context.masked_fill(~mask.any(-1, keepdim=True), 0.0)
        return _as(context, value.dtype), _as(weights.mean(-3), value.dtype)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(-3, -2)


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax over the keys that each query may see; [...,q,k] -> [...,q,k].

    A hidden key weighs exactly 0, and a row that is hidden whole is 0 throughout, forwards and in
    the gradient.
    """
    if mask is None:
        return torch.softmax(scores, dim=-1)
    if mask.dtype != torch.bool:
        raise TypeError(f"a mask holds booleans, True where a query may look, not {mask.dtype}")
    # The softmax of nothing but -inf is NaN, and so is its gradient. A row that sees nothing
    # therefore keeps its scores until its weights are cleared.
    sees_nothing = ~mask.any(-1, keepdim=True)  # [...,q,1]
    weights = torch.softmax(scores.masked_fill(~(mask | sees_nothing), -math.inf), dim=-1)
    return weights.masked_fill(~mask, 0.0)


def padding_mask(lengths: Tensor, keys: int) -> Tensor:
    """True for the first lengths[b] of `keys` keys: lengths [B] -> [B,1,keys]."""
    return (torch.arange(keys, device=lengths.device) < lengths[:, None])[:, None, :]


def causal_mask(queries: int, keys: int) -> Tensor:
    """[queries,keys]: the queries are the last of the keys, and each sees itself and its past."""
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


@dataclass(frozen=True)
class Sizes:
    """What it takes to build any mechanism of the zoo by its name."""

    width: int  # d, of queries, keys and values alike
    heads: int = 1  # of "multi_head"
    positions: int = 1  # the most keys that "location" can tell apart


class UnknownAttention(ValueError):
    """A name that is not in the zoo; the message lists those that are."""


ZOO: Mapping[str, Callable[[Sizes], Attention]] = {
    "scaled_dot_product": lambda sizes: ScaledDotProduct(),
    "dot": lambda sizes: Dot(),
    # Scaled as the dot product is, so that it starts no sharper in a wide network.
    "general": lambda sizes: General(sizes.width, sizes.width, 1 / math.sqrt(sizes.width)),
    "additive": lambda sizes: Additive(sizes.width, sizes.width, sizes.width),
    "location": lambda sizes: Location(sizes.width, sizes.positions),
    "weighted": lambda sizes: Weighted(_uniform(1, sizes.width)),
    "multi_head": lambda sizes: MultiHead(sizes.width, sizes.heads),
}
"""Every mechanism by the name that a config calls it."""


def make_attention(name: str, sizes: Sizes) -> Attention:
    """Build a mechanism with fresh parameters; raises `UnknownAttention`."""
    check_name(name)
    return ZOO[name](sizes)


def check_name(name: str) -> None:
    """Raise `UnknownAttention` unless the zoo has such a mechanism."""
    if isinstance(name, str) and name in ZOO:
        return
    near = get_close_matches(str(name), ZOO, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise UnknownAttention(f"no attention is called {name!r}{hint}; known: {', '.join(ZOO)}")


def _uniform(rows: int, columns: int) -> Tensor:
    """A fresh matrix as `nn.Linear(columns, rows)` would begin with."""
    bound = 1 / math.sqrt(columns)
    return torch.empty(rows, columns).uniform_(-bound, bound)


def widened(x: Tensor) -> Tensor:
    """In float32 if it is of a smaller type; else as it is, without a node in an exported graph."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _as(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x if x.dtype == dtype else x.to(dtype)  # no needless node in an exported graph


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(widened(x), widened(layer.weight), widened(layer.bias))

"""Attention over slots, and the cache that the slots live in.

    B batch    H heads    q new tokens    L cache capacity    D head width

A slot is one row of a batch with its own past: row b holds lengths[b] valid keys, whatever its
neighbours hold. That is what lets a server put requests of any age into one batch, and lets a
step carry more than one new token.

Each operation exists twice. The plain function runs, trains and is what the tests compare with;
its twin is opaque, so that an exporter sees one node, `precis::attend` or `precis::write_cache`,
and can put ONNX `Attention` or `TensorScatter` (opset 24) in its place. While a graph is being
exported the twin is taken, otherwise the plain function, because the twin has no gradient.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def scaled_dot_product(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Tensor,
    causal: bool,
    bias: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    """Mix the values of each row's valid keys: softmax(scale * Q K^T + bias) V.

    "Attention Is All You Need", Vaswani et al. 2017, section 3.2.1.

    query [B,H,q,D], key and value [B,H,L,D], lengths [B] -> [B,H,q,D]. lengths[b] counts row b's
    valid keys, the q new ones included. With `causal`, the new tokens are the last q of those
    keys, so query i sees key j when j < lengths[b] - q + 1 + i; without it, when j < lengths[b].
    A query that sees no key gets zeros. `bias` [B or 1,H or 1,q,L] is added to the scores, and may
    hold -inf to hide a key; `scale` is 1 / sqrt(D) unless it is given.
    """
    attend = _attend_op if torch.compiler.is_exporting() else _attend
    return attend(query, key, value, lengths, causal, bias, scale)


def write_cache(cache: Tensor, new: Tensor, position: Tensor) -> Tensor:
    """Return the cache with row b's slots position[b] .. position[b]+q-1 replaced by `new`.

    cache [B,H,L,D], new [B,H,q,D], position [B] -> [B,H,L,D]. position[b] + q must not pass L.
    """
    write = _write_cache_op if torch.compiler.is_exporting() else _write_cache
    return write(cache, new, position)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Tensor,
    causal: bool,
    bias: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:
    new_count, capacity = query.shape[2], key.shape[2]
    visible = lengths[:, None].expand(-1, new_count)  # [B,q]: how many keys each query sees
    if causal:
        visible = visible - (new_count - 1) + torch.arange(new_count, device=key.device)
    keep = torch.arange(capacity, device=key.device) < visible[:, :, None]  # [B,q,L]
    mask = keep[:, None]  # [B,1,q,L]
    if bias is not None:
        mask = bias.to(query.dtype).masked_fill(~mask, -torch.inf)  # [B,H,q,L]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


def _write_cache(cache: Tensor, new: Tensor, position: Tensor) -> Tensor:
    slots = position[:, None] + torch.arange(new.shape[2], device=position.device)  # [B,q]
    return cache.scatter(2, slots[:, None, :, None].expand_as(new), new)


_attend_op = torch.library.custom_op("precis::attend", _attend, mutates_args=())
_attend_op.register_fake(
    lambda query, key, value, lengths, causal, bias=None, scale=None: torch.empty_like(query)
)

_write_cache_op = torch.library.custom_op("precis::write_cache", _write_cache, mutates_args=())
_write_cache_op.register_fake(lambda cache, new, position: torch.empty_like(cache))

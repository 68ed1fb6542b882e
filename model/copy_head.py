"""The copy head: the decoder may point at a source token instead of naming a word.

    B batch    S source    q new tokens    d model width    V vocabulary

"Get To The Point: Summarization with Pointer-Generator Networks", See et al. 2017, with Luong's
"general" score ("Effective Approaches to Attention-based Neural Machine Translation", 2015):

    a = softmax((W h) . E_i / sqrt(d))           where in the source to look
    g = sigmoid(v . [h; sum_i a_i E_i] + c)      how much to copy
    p(y) = (1 - g) p_vocab(y) + g * sum of a_i over source_i = y
"""

import math

import torch
from torch import Tensor, nn

from bundle.signature import SOURCE_PADDING_BIAS


def source_bias(lengths: Tensor, capacity: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Zero for the first lengths[b] source tokens of row b, `SOURCE_PADDING_BIAS` after: [B,S]."""
    real = torch.arange(capacity, device=lengths.device) < lengths[:, None]  # [B,S]
    return torch.where(real, 0.0, SOURCE_PADDING_BIAS).to(dtype)


def mixture(p_vocab: Tensor, attention: Tensor, gate: Tensor, source_ids: Tensor) -> Tensor:
    """Share one unit of probability between naming and copying: p(y) of the formula above.

    p_vocab [B,q,V], attention [B,q,S], gate [B,q,1], source_ids [B,S] -> [B,q,V]. A token that
    occurs at several source positions collects the attention of all of them.
    """
    new_count = attention.shape[1]
    where = source_ids[:, None, :]  # [B,1,S]
    if not (isinstance(new_count, int) and new_count == 1):  # keeps Expand out of a q = 1 export
        where = where.expand(-1, new_count, -1)  # [B,q,S]
    return ((1 - gate) * p_vocab).scatter_add(-1, where, gate * attention)


class CopyHead(nn.Module):
    """Where to copy from, and how much."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(2 * width, 1)
        self.scale = 1 / math.sqrt(width)

    def attention(self, hidden: Tensor, states: Tensor, source_bias: Tensor) -> Tensor:
        """Where each new token looks in the source.

        hidden [B,q,d], states [B,S,d], source_bias [B,S] -> [B,q,S], each row summing to one.
        """
        scores = self.query(hidden) @ states.transpose(1, 2) * self.scale  # [B,q,S]
        return torch.softmax(scores + source_bias[:, None, :], dim=-1)

    def copy_gate(self, hidden: Tensor, states: Tensor, attention: Tensor) -> Tensor:
        """How much of each new token's probability is copied: [B,q,1], between 0 and 1."""
        context = attention @ states  # [B,q,d]
        return torch.sigmoid(self.gate(torch.cat([hidden, context], dim=-1)))

"""The copy head: the decoder may point at a source token instead of naming a word.

    B batch    S source    q new tokens    d model width    V vocabulary

"Get To The Point: Summarization with Pointer-Generator Networks", See et al. 2017. Any
mechanism of the zoo may look for the place; the default is Luong's "general" score ("Effective
Approaches to Attention-based Neural Machine Translation", 2015):

    a = softmax((W h) . E_i / sqrt(d))           where in the source to look
    g = sigmoid(v . [h; sum_i a_i E_i] + c)      how much to copy
    p(y) = (1 - g) p_vocab(y) + g * sum of a_i over source_i = y
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bundle.signature import SOURCE_PADDING_BIAS
from model.network.zoo import Attention, widened


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

    def __init__(self, width: int, mechanism: Attention) -> None:
        super().__init__()
        # `copy_head.query.weight` is the name of W in every checkpoint and graph: hence `query`.
        self.query = mechanism
        self.gate = nn.Linear(2 * width, 1)

    def forward(self, hidden: Tensor, states: Tensor, source_bias: Tensor) -> tuple[Tensor, Tensor]:
        """Where each new token looks in the source, and how much of its probability is copied.

        hidden [B,q,d], states [B,S,d], source_bias [B,S] -> attention [B,q,S], each row summing
        to one, and gate [B,q,1], between 0 and 1; probabilities, so float32 in half precision too.
        """
        attention, gate_score = self.look(hidden, states, source_bias)
        return attention, torch.sigmoid(gate_score)

    def look(self, hidden: Tensor, states: Tensor, source_bias: Tensor) -> tuple[Tensor, Tensor]:
        """The same with the gate before its sigmoid: its logarithm is exact from there alone."""
        wide = widened(states)
        context, attention = self.query(hidden, wide, wide, key_bias=source_bias)
        seen = torch.cat([widened(hidden), context], dim=-1)
        if seen.dtype == self.gate.weight.dtype:
            return attention, self.gate(seen)
        return attention, F.linear(seen, widened(self.gate.weight), widened(self.gate.bias))

"""Self-attention of a long source: each token sees a window, and the first token sees everything.

    B batch    S source    H heads    D head width    d model width

"Longformer: The Long-Document Transformer", Beltagy et al. 2020, sections 3.1 and 3.2; LED is its
encoder with BART's decoder. In this project the first token, and no other, is the global one.
"""

import torch
from torch import Tensor, nn

from model.attention import scaled_dot_product
from model.config import ModelConfig
from model.layers import MultiHeadAttention


class WindowAttention(MultiHeadAttention):
    """Token i sees the tokens j with |i - j| <= window / 2, and token 0.

    Token 0 sees all, through projections of its own (query, key and value alike); the others see
    it, as they see each other, through the ordinary ones.
    """

    def __init__(self, config: ModelConfig, window: int) -> None:
        super().__init__(config.width, config.heads, bias=config.biases)
        self.reach = window // 2
        self.global_query = nn.Linear(config.width, config.width, bias=config.biases)
        self.global_key = nn.Linear(config.width, config.width, bias=config.biases)
        self.global_value = nn.Linear(config.width, config.width, bias=config.biases)

    def over_itself(self, x: Tensor, lengths: Tensor, bias: Tensor | None = None) -> Tensor:
        """[B,S,d] -> [B,S,d]; the first lengths[b] tokens of row b are real."""
        assert bias is None, "windows and relative positions do not meet in any family"
        query = self._split(self.query(x))  # [B,H,S,D]
        key, value = self.keys_and_values(x)
        local = self._local(query, key, value, lengths)  # [B,H,S,D]
        whole = scaled_dot_product(
            self._split(self.global_query(x[:, :1])),  # [B,H,1,D]
            self._split(self.global_key(x)),
            self._split(self.global_value(x)),
            lengths,
            causal=False,
        )  # [B,H,1,D]
        return self.out(self._merge(torch.cat([whole, local[:, :, 1:]], dim=2)))

    def _local(self, query: Tensor, key: Tensor, value: Tensor, lengths: Tensor) -> Tensor:
        """Every query over its window and token 0: [B,H,S,D]."""
        band = window_bias(query.shape[2], self.reach, query.device)
        return scaled_dot_product(query, key, value, lengths, causal=False, bias=band)


def window_bias(count: int, reach: int, device: torch.device | None = None) -> Tensor:
    """0 where |i - j| <= reach or j = 0, -inf elsewhere: [1,1,count,count]."""
    places = torch.arange(count, device=device)
    near = (places[:, None] - places).abs() <= reach  # [S,S]
    return torch.where(near | (places == 0), 0.0, -torch.inf)[None, None]

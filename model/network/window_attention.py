"""Self-attention of a long source: each token sees a window, and the first token sees everything.

    B batch    S source    H heads    D head width    d model width

"Longformer: The Long-Document Transformer", Beltagy et al. 2020, sections 3.1 and 3.2; LED is its
encoder with BART's decoder. In this project the first token, and no other, is the global one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.network.attention import scaled_dot_product
from model.network.config import ModelConfig
from model.network.layers import MultiHeadAttention


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
        """Every query over its window and token 0: [B,H,S,D].

        Blocks cost S * window, where a mask costs S * S; a graph keeps the mask, because there it
        is one node.
        """
        count = query.shape[2]
        if torch.compiler.is_exporting() or count <= _BLOCKS_PAY_FROM * self.reach:
            band = window_bias(count, self.reach, query.device).to(query.dtype)
            return scaled_dot_product(query, key, value, lengths, causal=False, bias=band)
        return window_in_blocks(query, key, value, lengths, self.reach)


# In halves of a window. A block of one half looks at three, so fewer would save nothing.
_BLOCKS_PAY_FROM = 4


def window_bias(count: int, reach: int, device: torch.device | None = None) -> Tensor:
    """0 where |i - j| <= reach or j = 0, -inf elsewhere: [1,1,count,count]."""
    places = torch.arange(count, device=device)
    near = (places[:, None] - places).abs() <= reach  # [S,S]
    return torch.where(near | (places == 0), 0.0, -torch.inf)[None, None]


def window_in_blocks(
    query: Tensor, key: Tensor, value: Tensor, lengths: Tensor, reach: int
) -> Tensor:
    """What `window_bias` gives, computed block by block: [B,H,S,D] each -> [B,H,S,D].

    The queries are cut into n blocks of c = reach. Those of one block see nothing outside it, the
    block before and the block after, 3c keys, but for token 0, which is put in front of them.
    """
    batch, _, count, _ = query.shape
    blocks = -(-count // reach)
    short = blocks * reach - count  # empty places in the last block
    near_keys, near_values = (_neighbourhoods(x, reach, short) for x in (key, value))
    own = F.pad(query, (0, 0, 0, short)).unflatten(2, (blocks, reach))  # [B,H,n,c,D]

    query_places = torch.arange(reach, device=query.device)[:, None]  # [c,1], within the block
    key_places = torch.arange(-reach, 2 * reach, device=query.device)  # [3c], from its first on
    near = (query_places - key_places).abs() <= reach  # [c,3c]
    starts = torch.arange(blocks, device=query.device)[:, None] * reach  # [n,1]
    places = starts + key_places  # [n,3c], in the whole source
    real = (places > 0) & (places < lengths[:, None, None])  # [B,n,3c]; token 0 is in front
    keep = F.pad(near & real[:, :, None], (1, 0), value=True)  # [B,n,c,1+3c]

    mixed = F.scaled_dot_product_attention(
        own.transpose(1, 2).flatten(0, 1),  # [B*n,H,c,D]
        near_keys.transpose(1, 2).flatten(0, 1),  # [B*n,H,1+3c,D]
        near_values.transpose(1, 2).flatten(0, 1),
        attn_mask=keep.flatten(0, 1)[:, None],
    ).unflatten(0, (batch, blocks))  # [B,n,H,c,D]
    return mixed.transpose(1, 2).flatten(2, 3)[:, :, :count]


def _neighbourhoods(x: Tensor, reach: int, short: int) -> Tensor:
    """Token 0 and the three blocks around each block: [B,H,S,D] -> [B,H,n,1+3c,D]."""
    padded = F.pad(x, (0, 0, reach, reach + short))  # [B,H,(n+2)c,D]
    near = padded.unfold(2, 3 * reach, reach).transpose(-1, -2)  # [B,H,n,3c,D]
    first = x[:, :, None, :1].expand(-1, -1, near.shape[2], -1, -1)  # [B,H,n,1,D]
    return torch.cat([first, near], dim=3)

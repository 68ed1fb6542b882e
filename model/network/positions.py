"""Where a token stands: fixed sinusoids, learned tables, or a bias on the distance of two tokens.

B batch    q new tokens    L keys    H heads    d model width
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class LearnedPositions(nn.Embedding):
    """A table with a row for each place, of which BART leaves the first `offset` unused."""

    def __init__(self, positions: int, width: int, offset: int = 0) -> None:
        super().__init__(positions + offset, width)
        self.offset = offset

    def forward(self, positions: Tensor) -> Tensor:
        """[B,q] -> [B,q,d]."""
        return super().forward(positions + self.offset if self.offset else positions)


class RelativeBias(nn.Module):
    """A learned number for each head and each bucket of distances, added to attention scores.

    "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (T5),
    Raffel et al. 2020, section 2.1. One such table serves all the self-attentions of a stack.

        bias[h,i,j] = table[bucket(j - i), h]    for a query at place i and a key at place j
    """

    bucket_of_distance: Tensor  # [2M+1]: of -M .. M, where M is max_distance

    def __init__(self, buckets: int, max_distance: int, heads: int, two_way: bool) -> None:
        super().__init__()
        self.max_distance = max_distance
        self.table = nn.Embedding(buckets, heads)
        distances = torch.arange(-max_distance, max_distance + 1)
        lookup = distance_buckets(distances, buckets, max_distance, two_way)
        self.register_buffer("bucket_of_distance", lookup, persistent=False)

    def forward(self, query_places: Tensor, key_places: Tensor) -> Tensor:
        """Queries at [B,q] and keys at [L], or at [B,L] if rows differ -> [B,H,q,L]."""
        distance = key_places[..., None, :] - query_places[:, :, None]  # [B,q,L]
        # Whatever is further than M shares the bucket of M, so the lookup may stop there.
        place = distance.clamp(-self.max_distance, self.max_distance) + self.max_distance
        by_distance = self.table(self.bucket_of_distance)  # [2M+1,H]
        return F.embedding(place, by_distance).permute(0, 3, 1, 2)  # [B,H,q,L]


def distance_buckets(distance: Tensor, buckets: int, max_distance: int, two_way: bool) -> Tensor:
    """T5's bucket of each distance j - i: exact when near, logarithmic further off.

    Half the buckets of a direction hold one distance each; the other half share what lies between
    there and max_distance, each about the same factor wide; beyond, all is the last bucket. With
    `two_way` the keys to come have half of the buckets; without, they count as distance 0.
    """
    first = torch.zeros_like(distance)
    if two_way:
        buckets //= 2
        first = torch.where(distance > 0, buckets, 0)
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    exact = buckets // 2
    # In float32 and in this order, as the checkpoints' own code rounds it.
    grown = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    shared = (exact + (grown * (buckets - exact)).long()).clamp(max=buckets - 1)
    return first + torch.where(distance < exact, distance, shared)

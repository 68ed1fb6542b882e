"""The modules that become graphs.

Flat tensors in, flat tensors out, in the order of bundle/signature.py.
"""

import torch
from torch import Tensor, nn

from bundle.signature import TOP_K
from model.transformer import Summarizer

# Added to the probability of an excluded id: enough to put it below every other one, even if it is
# added twice.
_EXCLUDED = -2.0

# Keeps the logarithm of a probability that underflowed finite.
_SMALLEST_PROBABILITY = 1e-30


class EncoderGraph(nn.Module):
    """Reads documents once.

    source_ids [B,S], source_lengths [B] -> cross keys and values, encoder states.
    """

    def __init__(self, summarizer: Summarizer) -> None:
        super().__init__()
        self.summarizer = summarizer

    def forward(self, source_ids: Tensor, source_lengths: Tensor) -> tuple[Tensor, ...]:
        """Gives what the decoder needs of the documents.

        One [B,H,S,D] key and value for each decoder layer, and [B,S,d] states for a copy head.
        """
        states = self.summarizer.encode(source_ids, source_lengths)
        cross = [part for layer in self.summarizer.cross_cache(states) for part in layer]
        return (*cross, states) if self.summarizer.copy_head else tuple(cross)


class DecoderStepGraph(nn.Module):
    """One token for each row, each at its own position.

    The caches are updated in place when bound so.
    """

    def __init__(self, summarizer: Summarizer) -> None:
        super().__init__()
        self.summarizer = summarizer

    def forward(
        self,
        token_ids: Tensor,  # [B,1]
        position: Tensor,  # [B]
        source_lengths: Tensor,  # [B]
        excluded_ids: Tensor,  # [B,1,N], padded with -1
        slot_positions: list[Tensor],  # [L] for relative positions; or nothing
        # source_ids [B,S], source_bias [B,S], states [B,S,d]; or nothing
        copy_source: list[Tensor],
        cross: list[Tensor],  # key, value, key, ... [B,H,S,D]
        cache: list[Tensor],  # key, value, key, ... [B,H,L,D]
    ) -> tuple[Tensor, ...]:
        """Gives the likeliest tokens not excluded, where the copy head looks, and the caches."""
        hidden, new_cache = self.summarizer.decode(
            token_ids,
            position,
            source_lengths,
            _pairs(cross),
            _pairs(cache),
            slot_positions[0] if slot_positions else None,
        )
        updated = [part for layer in new_cache for part in layer]
        if not copy_source:
            probabilities = torch.softmax(self.summarizer.logits(hidden), dim=-1)
            return (*_likeliest(probabilities, excluded_ids), *updated)
        source_ids, source_bias, states = copy_source
        mixed = self.summarizer.distribution(hidden, states, source_bias, source_ids)
        assert mixed.copy_gate is not None
        assert mixed.copy_attention is not None
        return (
            *_likeliest(mixed.probabilities, excluded_ids),
            mixed.copy_gate.squeeze(-1),
            mixed.copy_attention.argmax(-1),
            *updated,
        )


def _likeliest(probabilities: Tensor, excluded_ids: Tensor) -> tuple[Tensor, Tensor]:
    """Top log-probabilities and ids, [B,1,K] each.

    The logarithm of K values is cheap, of all V it is not.
    """
    penalty = torch.where(excluded_ids >= 0, _EXCLUDED, 0.0)  # [B,1,N]
    where = excluded_ids.clamp(min=0)  # padding adds 0 to id 0
    top = probabilities.scatter_add(-1, where, penalty).topk(TOP_K, dim=-1)
    return top.values.clamp(min=_SMALLEST_PROBABILITY).log(), top.indices


def _pairs(flat: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(flat[::2], flat[1::2], strict=True))

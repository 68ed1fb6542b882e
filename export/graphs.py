"""The modules that become graphs.

Flat tensors in, flat tensors out, in the order of bundle/signature.py.
"""

from collections.abc import Iterator
from itertools import islice

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
        others: list[Tensor],  # see `_split`
    ) -> tuple[Tensor, ...]:
        """Gives the likeliest tokens not excluded, where the copy head looks, and the caches."""
        slots, copy_source, cross, cache = self._split(others)
        hidden, new_cache = self.summarizer.decode(
            token_ids,
            position,
            source_lengths,
            _pairs(cross),
            _pairs(cache),
            slots[0] if slots else None,
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

    def _split(self, tensors: list[Tensor]) -> Iterator[list[Tensor]]:
        """Tells apart what comes in one list (the exporter takes no empty one).

        slot_positions [L], with relative positions; source_ids [B,S], source_bias [B,S] and states
        [B,S,d], with a copy head; cross [B,H,S,D] and cache [B,H,L,D], key, value, key and so on.
        """
        config = self.summarizer.config
        num_pairs = 2 * config.decoder_layers
        parts = iter(tensors)
        for count in (config.positions == "relative", 3 * config.copy_head, num_pairs, num_pairs):
            yield list(islice(parts, count))


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

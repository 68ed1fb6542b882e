"""The modules that become graphs.

Flat tensors in, flat tensors out, in the order of bundle/signature.py.
"""

from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bundle.signature import MOST_CANDIDATES, TOP_K
from model.network.transformer import Summarizer, Tree
from model.network.zoo import widened

# Added to the probability of an excluded id: enough to put it below every other one, even if it is
# added twice.
_EXCLUDED = -2.0

# Keeps the logarithm of a probability that underflowed finite.
_SMALLEST_PROBABILITY = 1e-30


class EncoderGraph(nn.Module):
    """Reads documents once.

    source_ids [B,S], source_lengths [B] -> cross keys and values, encoder states; and, for the
    graph to be cut there, what passes from each layer to the next.
    """

    def __init__(self, summarizer: Summarizer) -> None:
        super().__init__()
        self.summarizer = summarizer

    def forward(self, source_ids: Tensor, source_lengths: Tensor) -> tuple[Tensor, ...]:
        """Gives what the decoder needs of the documents.

        One [B,H,S,D] key and value for each decoder layer, [B,S,d] states for a copy head, and at
        the cuts [B,S,d] each, after the bias of relative positions [1,H,S,S].
        """
        encoder = self.summarizer.encoder
        places = torch.arange(source_ids.shape[1], device=source_ids.device)
        bias = encoder.bias(places)
        x = encoder.enter(self.summarizer.embedding(source_ids, places), places)
        cuts = [] if bias is None or len(encoder.layers) == 1 else [bias]
        for index, layer in enumerate(encoder.layers):
            if index > 0:
                cuts.append(x)
            x = layer(x, source_lengths, bias)
        states = encoder.leave(x)
        cross = [part for layer in self.summarizer.cross_cache(states) for part in layer]
        return (*cross, *([states] if self.summarizer.copy_head else []), *cuts)


class DecoderGraph(nn.Module):
    """What the decoders share: the caches are updated in place when bound so."""

    def __init__(self, summarizer: Summarizer) -> None:
        super().__init__()
        self.summarizer = summarizer

    def run(
        self,
        token_ids: Tensor,  # [B,q]
        position: Tensor,  # [B]
        excluded_ids: Tensor,  # [B,q,N], padded with -1
        parts: "Parts",
        tree: Tree | None,
        candidates: int,
        places: Tensor | None = None,  # [B,q], where they are not the slots
    ) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Gives what is told of each query, logits or probabilities of all words, and the caches.

        Probabilities where there is a copy head: the host takes the logarithm of those few that
        somebody reads.
        """
        model = self.summarizer
        hidden, new_cache = model.decode(
            token_ids,
            position,
            parts.source_lengths,
            _pairs(parts.cross),
            _pairs(parts.cache),
            parts.slots[0] if parts.slots else None,
            tree,
            places,
        )
        updated = [part for layer in new_cache for part in layer]
        if not parts.copy_source:
            logits = widened(model.logits(hidden))
            probabilities = torch.softmax(logits, dim=-1)
            return _likeliest(probabilities, excluded_ids, candidates), logits, updated
        source_ids, source_bias, states = parts.copy_source
        mixed = model.distribution(hidden, states, source_bias, source_ids)
        assert mixed.copy_gate is not None
        assert mixed.copy_attention is not None
        told = [
            *_likeliest(mixed.probabilities, excluded_ids, candidates),
            mixed.copy_gate.squeeze(-1),
            mixed.copy_attention.argmax(-1),
        ]
        return told, mixed.probabilities, updated

    def parts(self, tensors: list[Tensor]) -> "Parts":
        """Tells apart what comes in one list (the exporter takes no empty one)."""
        config = self.summarizer.config
        num_pairs = 2 * config.decoder_layers
        counts = (config.positions == "relative", 1, 3 * config.copy_head, num_pairs, num_pairs)
        left = iter(tensors)
        slots, (lengths,), copy_source, cross, cache = (list(islice(left, n)) for n in counts)
        return Parts(slots, lengths, copy_source, cross, cache)


class Parts(NamedTuple):
    """The inputs that some networks have and others not, and those that come in numbers."""

    slots: list[Tensor]  # slot_positions, with relative positions
    source_lengths: Tensor  # [B]
    copy_source: list[Tensor]  # source_ids [B,S], source_bias [B,S], states [B,S,d]: a copy head's
    cross: list[Tensor]  # [B,H,S,D] key, value, key and so on
    cache: list[Tensor]  # [B,H,L,D] likewise


class DecoderStepGraph(DecoderGraph):
    """One token for each row, each at its own position."""

    def forward(
        self,
        token_ids: Tensor,  # [B,1]
        position: Tensor,  # [B]
        excluded_ids: Tensor,  # [B,1,N], padded with -1
        others: list[Tensor],  # see `Parts`
    ) -> tuple[Tensor, ...]:
        """Gives the likeliest tokens not excluded, where the copy head looks, and the caches."""
        parts = self.parts(others)
        told, _, updated = self.run(token_ids, position, excluded_ids, parts, None, TOP_K)
        return (*told, *updated)


class DecoderTokensGraph(DecoderGraph):
    """Several tokens for each row that see what they are told to: a draft, or beams of a tree."""

    def forward(
        self,
        token_ids: Tensor,  # [B,q]
        position: Tensor,  # [B]: the slot of the first
        excluded_ids: Tensor,  # [B,q,N], padded with -1
        places: Tensor,  # [B,q]
        visible: Tensor,  # [B,q,L]
        others: list[Tensor],  # see `Parts`; slot_positions are [B,L] here
    ) -> tuple[Tensor, ...]:
        """The same as `DecoderStepGraph` for each token, more candidates, and all words [B,q,V]."""
        parts = self.parts(others)
        # Networks without relative positions never read where the slots stand.
        tree = Tree(places, visible, parts.slots[0] if parts.slots else places)
        candidates = min(MOST_CANDIDATES, self.summarizer.config.vocabulary_size)
        told, scores, updated = self.run(token_ids, position, excluded_ids, parts, tree, candidates)
        return (*told, scores, *updated)


def _likeliest(probabilities: Tensor, excluded_ids: Tensor, candidates: int) -> list[Tensor]:
    """Top log-probabilities and ids, [B,q,K] each.

    The logarithm of K values is cheap, of all V it is not.
    """
    penalty = torch.where(excluded_ids >= 0, _EXCLUDED, 0.0)  # [B,q,N]
    where = excluded_ids.clamp(min=0)  # padding adds 0 to id 0
    top = probabilities.scatter_add(-1, where, penalty).topk(candidates, dim=-1)
    return [top.values.clamp(min=_SMALLEST_PROBABILITY).log(), top.indices]


def _pairs(flat: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(flat[::2], flat[1::2], strict=True))

"""The decoder whose choices can be fed back to it, so that a device goes on by itself.

    B batch    S source    q tokens: one that is certain and a draft

Written without asking for a shape and without an axis that may be empty: a captured graph can do
neither.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from bundle.signature import TOP_K
from export.graphs.modules import DecoderGraph


class Source(NamedTuple):
    """The documents, and where in them the copy head looked after each token."""

    ids: Tensor  # [B,S]
    lengths: Tensor  # [B]
    looked_at: Tensor  # [B,q]


class DecoderAheadGraph(DecoderGraph):
    """A step that also gives the inputs of the step after it."""

    def forward(
        self,
        token_ids: Tensor,  # [B,q]
        position: Tensor,  # [B]: the slot of the first
        excluded_ids: Tensor,  # [B,q,N], padded with -1
        others: list[Tensor],  # see `Parts`
    ) -> tuple[Tensor, ...]:
        """Gives what `DecoderStepGraph` gives, next_token_ids and next_position, and the caches."""
        parts = self.parts(others)
        # A row that ran past its end goes on until somebody looks; it must not read past the table.
        last = self.summarizer.config.max_target_positions - 1
        if not parts.copy_source:
            places = position[:, None].clamp(max=last)
            told, _, updated = self.run(
                token_ids, position, excluded_ids, parts, None, TOP_K, places
            )
            best_ids = told[1][:, :, 0]
            # Not position + 1, which is known too early: see `what_follows`.
            return (*told, best_ids, position + _ones_like(best_ids[:, 0]), *updated)
        source_ids, _, _ = parts.copy_source
        offsets = _ones_like(token_ids).cumsum(-1) - 1  # [B,q]: 0, 1, 2 and so on
        places = (position[:, None] + offsets).clamp(max=last)
        told, _, updated = self.run(token_ids, position, excluded_ids, parts, None, TOP_K, places)
        source = Source(source_ids, parts.source_lengths, looked_at=told[3])
        following = what_follows(token_ids, position, offsets, told[1][:, :, 0], source)
        return (*told, *following, *updated)


def what_follows(
    token_ids: Tensor, position: Tensor, offsets: Tensor, best_ids: Tensor, source: Source
) -> tuple[Tensor, Tensor]:
    """The tokens to feed next [B,q], and the slot of the first [B].

    The tokens that were fed are certain up to the last one that is what the model found likeliest
    after the one before it. What it found likeliest after that one is fed next, followed by what
    follows in the source the place where the copy head looked. `best_ids` and `offsets` are [B,q].

    What is fed next goes to the memory of what was fed. So both depend on `best_ids`, the end of
    the network, and nothing that reads token_ids or position is left when they are written.
    """
    expected = best_ids.gather(1, (offsets - 1).clamp(min=0))
    # Kept small: onnxruntime's Clip on a processor loses numbers between 2^31 and 2^32.
    differs = (token_ids - expected).clamp(min=-1, max=1)
    # Times 0 for the first token, which nothing has to agree with.
    strayed = (differs * differs * offsets).cumsum(-1)
    num_certain = (1 - strayed.clamp(max=1)).sum(-1, keepdim=True)  # [B,1]: at least 1
    last_certain = num_certain - 1
    chosen = best_ids.gather(1, last_certain)
    looked_at = source.looked_at.gather(1, last_certain)
    end = (source.lengths - 1).clamp(min=0)[:, None]  # [B,1]
    copied = source.ids.gather(1, torch.minimum(looked_at + offsets, end))
    return torch.where(offsets > 0, copied, chosen), position + num_certain.squeeze(-1)


def _ones_like(x: Tensor) -> Tensor:
    """As many ones as x has numbers, for an export that must not ask how many they are."""
    return x * 0 + 1

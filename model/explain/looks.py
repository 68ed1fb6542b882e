"""Where each token of a finished summary looked in its source.

    S source    T summary tokens    H heads    q = T

The summary is run once more, whole (teacher forcing), with a hook on each decoder layer's
attention over the source. The copy head gives its attention by itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from model.network.copy_head import source_bias
from model.network.transformer import Summarizer


@dataclass(frozen=True)
class Looks:
    """Each row belongs to the summary token that was chosen by it, and sums to one."""

    cross: tuple[Tensor, ...]  # a layer's cross-attention, the mean over its heads: [T,S]
    copy: Tensor | None  # the copy head's attention [T,S]; None without a copy head
    gate: Tensor | None  # how much of the probability was copied [T]


@torch.inference_mode()
def look(model: Summarizer, source_ids: Sequence[int], summary_ids: Sequence[int]) -> Looks:
    """Read the weights of every attention over the source, for a summary that was generated."""
    device = model.embedding.tokens.weight.device
    source = torch.tensor([list(source_ids)], device=device)  # [1,S]
    # What the decoder had read when it chose token t: the start token and those before t.
    read = torch.tensor([[model.config.start_id, *summary_ids[:-1]]], device=device)  # [1,T]
    lengths = torch.tensor([len(source_ids)], device=device)
    states = model.encode(source, lengths)  # [1,S,d]
    with _cross_weights(model) as cross:
        hidden, _ = model.decode(
            read, torch.zeros_like(lengths), lengths, model.cross_cache(states), None
        )
    bias = source_bias(lengths, source.shape[1], states.dtype)  # [1,S]
    last = model.distribution(hidden, states, bias, source)
    if last.copy_attention is None or last.copy_gate is None:
        return Looks(tuple(cross), None, None)
    return Looks(tuple(cross), last.copy_attention[0], last.copy_gate[0, :, 0])


@contextmanager
def _cross_weights(model: Summarizer) -> Iterator[list[Tensor]]:
    """Gather each layer's weights [T,S] while the decoder runs."""
    gathered: list[Tensor] = []

    def gather(attention: nn.Module, inputs: tuple[Any, ...], _output: Tensor) -> None:
        x, key, _value, lengths = inputs
        gathered.append(attention.weights(x, key, lengths)[0].mean(0))  # [H,T,S] -> [T,S]

    hooks = [layer.cross_attention.register_forward_hook(gather) for layer in model.decoder.layers]
    try:
        yield gathered
    finally:
        for hook in hooks:
            hook.remove()

"""Greedy decoding: the oracle that every faster decoder is compared with, and a batched one.

    B batch    S source    q new tokens    T tokens so far    V vocabulary

`greedy` is written to be checked by reading: one document, no cache, the whole summary so far run
again for each token. `greedy_batch` gives the same tokens, with a cache, for evaluation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from model.copy_head import source_bias
from model.transformer import Summarizer

_SMALLEST = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, kw_only=True)
class GreedyOptions:
    """What bounds and constrains a summary."""

    max_tokens: int = 64  # generated tokens, the end token included
    min_tokens: int = 0  # tokens that must come before the end token
    no_repeat_ngram_size: int = 0  # no run of so many tokens occurs twice; 0 is no such rule
    banned_ids: tuple[int, ...] = ()  # never generated

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, not {self.max_tokens}")
        if not 0 <= self.min_tokens <= self.max_tokens:
            raise ValueError(
                f"min_tokens must be between 0 and max_tokens={self.max_tokens}, "
                f"not {self.min_tokens}"
            )
        if self.no_repeat_ngram_size < 0:
            raise ValueError(f"no_repeat_ngram_size is {self.no_repeat_ngram_size}, below 0")


@dataclass
class Generation:
    """A summary in tokens, and how sure each of them was."""

    tokens: list[int] = field(default_factory=list)  # the end token included
    log_probabilities: list[float] = field(default_factory=list)
    # log p(token) - log p(best other token allowed): near 0, rounding decided.
    margins: list[float] = field(default_factory=list)
    finish_reason: Literal["stop", "length"] | None = None  # None while it runs

    def add(self, token: int, log_probability: float, margin: float) -> None:
        """Append one token."""
        self.tokens.append(token)
        self.log_probabilities.append(log_probability)
        self.margins.append(margin)


@torch.inference_mode()
def greedy(model: Summarizer, source_ids: Sequence[int], options: GreedyOptions) -> Generation:
    """Take the likeliest allowed token until it is the end token or max_tokens are taken.

    Equal probabilities go to the lowest id. source_ids is what the encoder reads: style token,
    document, end token.
    """
    source, lengths = _pad(model, [source_ids])
    states = model.encode(source, lengths)  # [1,S,d]
    cross = model.cross_cache(states)
    bias = source_bias(lengths, source.shape[1], states.dtype)  # [1,S]
    start = torch.zeros_like(lengths)

    result = Generation()
    while result.finish_reason is None:
        target = source.new_tensor([[model.config.start_id, *result.tokens]])  # [1,T]
        cache = model.empty_self_cache(1, target.shape[1])
        hidden, _ = model.decode(target, start, lengths, cross, cache)  # [1,T,d]
        last = model.distribution(hidden[:, -1:], states, bias, source)  # of [1,1,V]
        _advance(result, last.probabilities[0, 0], options, model.config.end_id)
    return result


@torch.inference_mode()
def greedy_batch(
    model: Summarizer, sources: Sequence[Sequence[int]], options: GreedyOptions
) -> list[Generation]:
    """Decode several documents at once, with a cache; the tokens are those of `greedy`.

    (Up to rounding: where two candidates are as near as `margins` shows, a batch may choose the
    other one.) Documents of similar length waste least.
    """
    source, lengths = _pad(model, sources)
    states = model.encode(source, lengths)  # [B,S,d]
    cross = model.cross_cache(states)
    bias = source_bias(lengths, source.shape[1], states.dtype)  # [B,S]
    cache = model.empty_self_cache(len(sources), options.max_tokens)
    position = torch.zeros_like(lengths)
    ids = torch.full_like(lengths, model.config.start_id)[:, None]  # [B,1]

    results = [Generation() for _ in sources]
    while any(result.finish_reason is None for result in results):
        hidden, cache = model.decode(ids, position, lengths, cross, cache)  # [B,1,d]
        step = model.distribution(hidden, states, bias, source).probabilities[:, 0]  # [B,V]
        for result, probabilities in zip(results, step, strict=True):
            if result.finish_reason is None:
                _advance(result, probabilities, options, model.config.end_id)
        position = position + 1
        ids = source.new_tensor([[result.tokens[-1]] for result in results])
        # A finished row runs on with its last token; nothing reads what comes of it.
    return results


def repeating_ids(tokens: Sequence[int], size: int) -> set[int]:
    """Ids that would complete a run of `size` tokens that `tokens` holds already."""
    if size == 0 or len(tokens) < size:
        return set()
    tail = list(tokens[len(tokens) - size + 1 :])
    starts = range(len(tokens) - size + 1)
    return {tokens[i + size - 1] for i in starts if list(tokens[i : i + size - 1]) == tail}


def _advance(
    result: Generation, probabilities: Tensor, options: GreedyOptions, end_id: int
) -> None:
    forbidden = {*options.banned_ids, *repeating_ids(result.tokens, options.no_repeat_ngram_size)}
    if len(result.tokens) < options.min_tokens:
        forbidden.add(end_id)
    result.add(*_choose(probabilities, forbidden))
    if result.tokens[-1] == end_id:
        result.finish_reason = "stop"
    elif len(result.tokens) == options.max_tokens:
        result.finish_reason = "length"


def _choose(probabilities: Tensor, forbidden: set[int]) -> tuple[int, float, float]:
    """The best allowed id of [V], its log-probability, and its margin over the next best."""
    if len(forbidden) >= probabilities.shape[0]:
        raise ValueError("the options forbid every token of the vocabulary")
    allowed = probabilities.clone()
    allowed[list(forbidden)] = -1.0
    token = int(allowed.argmax())  # the first of equals
    best = _log(allowed[token])
    allowed[token] = -1.0
    return token, best, best - _log(allowed.max())


def _log(probability: Tensor) -> float:
    return math.log(max(float(probability), _SMALLEST))  # finite even where p underflowed


def _pad(model: Summarizer, sources: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Ids [B,S] padded on the right, and lengths [B], where the network is."""
    config, device = model.config, model.embedding.tokens.weight.device
    longest = max(len(ids) for ids in sources)
    if longest > config.max_positions:
        raise ValueError(f"a source of {longest} tokens is over the limit {config.max_positions}")
    rows = [[*ids, *[config.pad_id] * (longest - len(ids))] for ids in sources]
    lengths = [len(ids) for ids in sources]
    return torch.tensor(rows, device=device), torch.tensor(lengths, device=device)

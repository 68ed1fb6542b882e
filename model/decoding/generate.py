"""Greedy decoding: the oracle that every faster decoder is compared with, and a batched one.

    B batch    S source    q new tokens    T tokens so far    V vocabulary

`greedy` is written to be checked by reading: one document, no cache, the whole summary so far run
again for each token. `greedy_batch` gives the same tokens, with a cache, for evaluation. Both give
the tokens of transformers' `generate(num_beams=1)` under the same settings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from model.decoding.constraints import constrain, forced_token
from model.decoding.decoding_options import GreedyOptions
from model.decoding.next_token import NextToken, next_token
from model.network.config import ModelConfig
from model.network.copy_head import source_bias
from model.network.transformer import Summarizer


@dataclass
class Generation:
    """A summary in tokens, and how sure each of them was."""

    tokens: list[int] = field(default_factory=list)  # the end token included
    log_probabilities: list[float] = field(default_factory=list)  # a forced token's too
    # Score of the token less that of the best other token allowed: near 0, rounding decided.
    # Infinite where nothing else was allowed.
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

    Equal scores go to the lowest id. source_ids is what the encoder reads, special tokens and all.
    """
    source, lengths = pad(model, [source_ids], options)
    states = model.encode(source, lengths)  # [1,S,d]
    cross = model.cross_cache(states)
    bias = source_bias(lengths, source.shape[1], states.dtype)  # [1,S]
    start = torch.zeros_like(lengths)

    result = Generation()
    while result.finish_reason is None:
        target = source.new_tensor([[model.config.start_id, *result.tokens]])  # [1,T]
        cache = model.empty_self_cache(1, target.shape[1])
        hidden, _ = model.decode(target, start, lengths, cross, cache)  # [1,T,d]
        (step,) = _rows(next_token(model, hidden[:, -1:], states, bias, source))
        _advance(result, step, source_ids, options, model.config)
    return result


@torch.inference_mode()
def greedy_batch(
    model: Summarizer, sources: Sequence[Sequence[int]], options: GreedyOptions
) -> list[Generation]:
    """Decode several documents at once, with a cache; the tokens are those of `greedy`.

    (Up to rounding: where two candidates are as near as `margins` shows, a batch may choose the
    other one.) Documents of similar length waste least.
    """
    source, lengths = pad(model, sources, options)
    states = model.encode(source, lengths)  # [B,S,d]
    cross = model.cross_cache(states)
    bias = source_bias(lengths, source.shape[1], states.dtype)  # [B,S]
    cache = model.empty_self_cache(len(sources), options.max_tokens)
    position = torch.zeros_like(lengths)
    ids = torch.full_like(lengths, model.config.start_id)[:, None]  # [B,1]

    results = [Generation() for _ in sources]
    while any(result.finish_reason is None for result in results):
        hidden, cache = model.decode(ids, position, lengths, cross, cache)  # [B,1,d]
        steps = _rows(next_token(model, hidden, states, bias, source))
        for result, step, source_ids in zip(results, steps, sources, strict=True):
            if result.finish_reason is None:
                _advance(result, step, source_ids, options, model.config)
        position = position + 1
        ids = source.new_tensor([[result.tokens[-1]] for result in results])
        # A finished row runs on with its last token; nothing reads what comes of it.
    return results


def pad(
    model: Summarizer, sources: Sequence[Sequence[int]], options: GreedyOptions
) -> tuple[Tensor, Tensor]:
    """Ids [B,S] padded on the right, and lengths [B], where the network is.

    Raises ValueError where the network has too few positions for a source or for the summary.
    """
    config, device = model.config, model.embedding.tokens.weight.device
    longest = max(len(ids) for ids in sources)
    if longest > config.max_positions:
        raise ValueError(f"a source of {longest} tokens is over the limit {config.max_positions}")
    limit = config.max_target_positions
    if options.max_tokens > limit:
        raise ValueError(f"max_tokens={options.max_tokens} is over the limit {limit}")
    rows = [[*ids, *[config.pad_id] * (longest - len(ids))] for ids in sources]
    lengths = [len(ids) for ids in sources]
    return torch.tensor(rows, device=device), torch.tensor(lengths, device=device)


def _rows(batch: NextToken) -> list[NextToken]:
    return [NextToken(*row) for row in zip(*batch, strict=True)]


def _advance(
    result: Generation,
    step: NextToken,
    source_ids: Sequence[int],
    options: GreedyOptions,
    config: ModelConfig,
) -> None:
    """Write one token: the likeliest allowed one, or the one that is forced here.

    A summary that the forced end token cuts off at max_tokens is one of "length"; where the network
    would have ended there by itself, it is one of "stop".
    """
    scores = constrain(
        step.scores,
        result.tokens,
        source_ids,
        options,
        start_id=config.start_id,
        end_id=config.end_id,
    )
    choice, margin = _choose(scores)
    forced = forced_token(len(result.tokens), options)
    if forced is not None:
        token, margin = forced, math.inf
    elif choice is None:
        raise ValueError("the options forbid every token of the vocabulary")
    else:
        token = choice
    result.add(token, float(step.log_probabilities[token]), margin)
    if token == config.end_id:
        result.finish_reason = "stop" if choice == token else "length"
    elif len(result.tokens) == options.max_tokens:
        result.finish_reason = "length"


def _choose(scores: Tensor) -> tuple[int | None, float]:
    """The best id of [V], the first of equals, and its margin over the next; None if all are -inf.

    scores is written over.
    """
    token = int(scores.argmax())
    best = float(scores[token])
    if best == -math.inf:
        return None, math.inf
    scores[token] = -math.inf
    return token, best - float(scores.max())

"""Sampling: the oracle of every faster sampler. The next token is drawn, and the draw repeatable.

    V vocabulary    T tokens so far

What it draws from is what transformers' `generate(do_sample=True)` draws from. The rules of
`GreedyOptions` change the scores first, the repetition penalty before all others; then the scores
are divided by the temperature, and top_k, top_p and min_p take away the unlikely, in this order,
each looking at what the one before it left. The softmax of what is left is the distribution.

How it draws is our own. A number u, uniform in [0, 1), is the first that the Philox generator gives
under the key (seed, index of the summary) with the place of the token for its counter. The tokens
are put in order of falling score, equals by id, and their probabilities are summed in that order:
the first token whose sum exceeds u is taken. So a draw depends on seed, index and place alone:
neither company nor the number of tokens that a step checks can change it, and the summary of index
i is the same whether one is asked for or many.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.decoding.constraints import constrain, forced_token
from model.decoding.decoding_options import SamplingOptions
from model.decoding.generate import Generation, pad
from model.decoding.next_token import next_token
from model.network.copy_head import source_bias
from model.network.transformer import Summarizer


@torch.inference_mode()
def sample(
    model: Summarizer, source_ids: Sequence[int], options: SamplingOptions, index: int = 0
) -> Generation:
    """Draw one summary: number `index` of those that a seed gives.

    `margins` says how far u was from giving another token: near 0, rounding decided. A summary that
    the forced end token cuts off ends for the reason "length", unless the end token was drawn too.
    """
    source, lengths = pad(model, [source_ids], options)
    states = model.encode(source, lengths)
    bias = source_bias(lengths, source.shape[1], states.dtype)
    cross, start = model.cross_cache(states), torch.zeros_like(lengths)
    start_id, end_id = model.config.start_id, model.config.end_id

    result = Generation()
    while result.finish_reason is None:
        target = source.new_tensor([[start_id, *result.tokens]])  # [1,T]
        hidden, _ = model.decode(target, start, lengths, cross, None)
        step = next_token(model, hidden[:, -1:], states, bias, source)
        place = len(result.tokens)
        scores = constrain(
            step.scores[0], result.tokens, source_ids, options, start_id=start_id, end_id=end_id
        )
        drawn, margin = draw(scores, options, uniform(options.seed, index, place))
        forced = forced_token(place, options)
        if forced is None and drawn is None:
            raise ValueError("the options forbid every token of the vocabulary")
        token = drawn if forced is None else forced
        margin = margin if forced is None else math.inf
        result.add(token, float(step.log_probabilities[0, token]), margin)
        if token == end_id:
            result.finish_reason = "stop" if drawn == token else "length"
        elif len(result.tokens) == options.max_tokens:
            result.finish_reason = "length"
    return result


def uniform(seed: int, index: int, place: int) -> float:
    """The u of one token, in [0, 1): the upper 53 bits of what the generator gives."""
    key = np.array([seed, index], np.uint64)  # a plain list would be rounded above 2**63
    bits = np.random.Philox(key=key, counter=place).random_raw()
    return (int(bits) >> 11) / 2**53


def draw(scores: Tensor, options: SamplingOptions, u: float) -> tuple[int | None, float]:
    """The token that u gives, of scores [V] under the rules, and how near it was to another one.

    None if every token is forbidden.
    """
    if not scores.isfinite().any():
        return None, math.inf
    falling, ids = distribution(scores, options).sort(descending=True, stable=True)
    sums = falling.cumsum(dim=-1)
    kept = int((falling > 0).sum())
    rank = min(int((sums <= u).sum()), kept - 1)  # rounding may leave the last sum below u
    above = math.inf if rank == kept - 1 else float(sums[rank]) - u
    below = math.inf if rank == 0 else u - float(sums[rank - 1])
    return int(ids[rank]), min(above, below)


def distribution(scores: Tensor, options: SamplingOptions) -> Tensor:
    """The probabilities to draw by, [V] in float64, of scores under the rules."""
    scores = scores.double() / options.temperature
    if 0 < options.top_k < len(scores):
        scores = scores.where(scores >= scores.topk(options.top_k).values[-1], -math.inf)
    if options.top_p < 1:
        falling, ids = scores.softmax(dim=-1).sort(descending=True, stable=True)
        before = falling.cumsum(dim=-1) - falling
        scores = scores.clone()
        scores[ids[before >= options.top_p]] = -math.inf
    if options.min_p > 0:
        probabilities = scores.softmax(dim=-1)
        likely = probabilities >= options.min_p * probabilities.max()
        scores = scores.where(likely, -math.inf)
    return scores.softmax(dim=-1)

"""Beam search: the oracle of every faster one, equal to transformers' `generate(num_beams=k)`.

    R running summaries    V vocabulary    d model width    S source

The k best beginnings run on side by side. At each step the 2k best continuations of all of them are
looked at: those among the k best that are complete are set aside, and the k best of the others run
on. (2k, because at most k of them can be complete: each beginning has one end token.)

A summary's score is the sum of its log-probabilities over its length to the power of
`length_penalty`. A forced token adds 0 to the sum. A summary that the forced end token cuts off
ends for the reason "length", unless the end token is the best that may follow anyway.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from model.decoding.constraints import constrain, forced_token
from model.decoding.decoding_options import BeamOptions
from model.decoding.generate import pad
from model.decoding.next_token import next_token
from model.network.copy_head import source_bias
from model.network.transformer import Summarizer

Reason = Literal["stop", "length"]


@dataclass(frozen=True)
class Hypothesis:
    """A complete summary, and how good the search thinks it is."""

    tokens: list[int]  # the end token included
    score: float
    finish_reason: Reason


@dataclass(frozen=True)
class _Beginning:
    """A summary that is not complete."""

    tokens: list[int]
    log_probability: float  # sum over the tokens


@torch.inference_mode()
def beam_search(
    model: Summarizer, source_ids: Sequence[int], options: BeamOptions
) -> list[Hypothesis]:
    """The summaries found, the best first, `num_beams` at most."""
    source, lengths = pad(model, [source_ids], options)
    states = model.encode(source, lengths)  # [1,S,d]
    cross = model.cross_cache(states)
    bias = source_bias(lengths, source.shape[1], states.dtype)  # [1,S]
    cache = model.empty_self_cache(1, options.max_tokens)

    running = [_Beginning([], 0.0)]
    parents = [0]  # the row that each running summary was continued from
    finished: list[Hypothesis] = []
    while not _is_over(running, finished, options):
        rows = len(running)  # R
        last = [[model.config.start_id, *beginning.tokens][-1:] for beginning in running]
        hidden, cache = model.decode(
            source.new_tensor(last),  # [R,1]
            torch.full_like(lengths, len(running[0].tokens)).expand(rows),
            lengths.expand(rows),
            [(_repeat(key, rows), _repeat(value, rows)) for key, value in cross],
            [(key[parents], value[parents]) for key, value in cache],
        )  # [R,1,d]
        step = next_token(
            model, hidden, _repeat(states, rows), _repeat(bias, rows), _repeat(source, rows)
        )
        log_probabilities = _allowed(step.log_probabilities, running, source_ids, options, model)
        ends = _ends(log_probabilities, model)
        forced = forced_token(len(running[0].tokens), options)  # all of them are equally long
        if forced is not None:
            log_probabilities = torch.full_like(log_probabilities, -math.inf)
            log_probabilities[:, forced] = 0.0
        is_own = [forced is None or end for end in ends]
        parents, running, complete = _extend(log_probabilities, running, is_own, options, model)
        finished = sorted([*finished, *complete], key=lambda one: -one.score)[: options.num_beams]
    if not finished:
        raise ValueError("the options forbid every token of the vocabulary")
    return finished


def _repeat(of_document: Tensor, rows: int) -> Tensor:
    """[1,...] -> [R,...]: every running summary reads the same document."""
    return of_document.expand(rows, *of_document.shape[1:])


def _allowed(
    log_probabilities: Tensor,
    running: Sequence[_Beginning],
    source_ids: Sequence[int],
    options: BeamOptions,
    model: Summarizer,
) -> Tensor:
    """What each token would add to each running summary, [R,V]; minus infinity if forbidden.

    What is left is made to sum to one again only if the options ask for it.
    """
    start_id, end_id = model.config.start_id, model.config.end_id
    allowed = torch.stack(
        [
            constrain(row, beginning.tokens, source_ids, options, start_id=start_id, end_id=end_id)
            for row, beginning in zip(log_probabilities, running, strict=True)
        ]
    )
    if options.renormalize:
        # A row in which all is forbidden has nothing to share out: its softmax is not a number.
        some = allowed.isfinite().any(dim=-1, keepdim=True)
        allowed = allowed.log_softmax(dim=-1).where(some, -math.inf)
    return allowed


def _ends(allowed: Tensor, model: Summarizer) -> list[bool]:
    """Whether the end token is the best that may follow, for each running summary."""
    end_id = model.config.end_id
    is_best = (allowed.argmax(dim=-1) == end_id) & allowed[:, end_id].isfinite()
    return [bool(each) for each in is_best.tolist()]


def _extend(
    log_probabilities: Tensor,
    running: Sequence[_Beginning],
    is_own: Sequence[bool],
    options: BeamOptions,
    model: Summarizer,
) -> tuple[list[int], list[_Beginning], list[Hypothesis]]:
    """One step: the rows that run on, what they have become, and what was completed.

    is_own: whether a summary that ends now ends by itself.
    """
    before = log_probabilities.new_tensor([beginning.log_probability for beginning in running])
    sums = (log_probabilities + before[:, None]).flatten()  # [R * V]
    best = sums.topk(min(2 * options.num_beams, len(sums)))
    vocabulary_size = log_probabilities.shape[1]

    parents: list[int] = []
    extended: list[_Beginning] = []
    complete: list[Hypothesis] = []
    ranked = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    for rank, (log_probability, index) in enumerate(ranked):
        if log_probability == -math.inf:
            break
        row, token = divmod(index, vocabulary_size)
        tokens = [*running[row].tokens, token]
        is_ended = token == model.config.end_id
        if is_ended or len(tokens) == options.max_tokens:
            if rank < options.num_beams:
                score = log_probability / len(tokens) ** options.length_penalty
                reason: Reason = "stop" if is_ended and is_own[row] else "length"
                complete.append(Hypothesis(tokens, score, reason))
        elif len(extended) < options.num_beams:
            parents.append(row)
            extended.append(_Beginning(tokens, log_probability))
    return parents, extended, complete


def _is_over(
    running: Sequence[_Beginning], finished: Sequence[Hypothesis], options: BeamOptions
) -> bool:
    """Whether running on cannot, or need not, find a better summary."""
    if not running:
        return True
    if len(finished) < options.num_beams:
        return False
    if options.early_stopping is True:
        return True
    # The best score that the best running summary may come to. More tokens only lower its sum, but
    # under a positive length penalty they raise the score of what it has: "never" allows for that.
    length = len(running[0].tokens)
    if options.early_stopping == "never" and options.length_penalty > 0:
        length = options.max_tokens
    within_reach = running[0].log_probability / length**options.length_penalty
    return within_reach <= finished[-1].score

"""Drives any strategy against a PyTorch network, the slow and plain way: without a cache.

It answers a proposal exactly as the exported step does, and asserts on the way what
server/decoding/strategy.py promises of a strategy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.network.copy_head import source_bias
from model.network.transformer import Summarizer
from server.decoding.strategy import Hypothesis, Outcome, Proposal, Strategy

MOST_CANDIDATES = 32
_LEAST_PROBABILITY = 1e-30
_SMALLEST = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Run:
    """What a strategy made of a document."""

    hypotheses: Sequence[Hypothesis]
    steps: int
    # `written` after each step.
    streamed: list[list[int]]


class _Slot(NamedTuple):
    token: int
    place: int
    ancestors: frozenset[int]


def run(
    model: Summarizer,
    source_ids: Sequence[int],
    strategy: Strategy,
    *,
    draft_width: int | Sequence[int] = 0,
) -> Run:
    """Runs the strategy until it is over.

    draft_width is how many drafted tokens it may propose at a step; several of them are taken in
    turn, again and again.
    """
    widths = [draft_width] if isinstance(draft_width, int) else draft_width
    slots: list[_Slot] = []
    streamed: list[list[int]] = [[]]
    is_over = False
    while not is_over:
        most_drafted = widths[(len(streamed) - 1) % len(widths)]
        _check_outlook(strategy.outlook(most_drafted), most_drafted)
        proposal = strategy.propose(most_drafted)
        _check(proposal, strategy.width, len(slots), most_drafted)
        beginnings = _feed(proposal, slots)
        outcome = _answer(model, source_ids, beginnings, proposal)
        is_over = strategy.advance(outcome)
        _wipe(outcome)
        written = list(strategy.written)
        assert written[: len(streamed[-1])] == streamed[-1], "what is written only grows"
        streamed.append(written)
    hypotheses = strategy.hypotheses
    assert hypotheses, "there is a summary when it is over"
    best = list(hypotheses[0].tokens)
    assert best[: len(streamed[-1])] == streamed[-1], "what is written is part of the best summary"
    scores = [hypothesis.score for hypothesis in hypotheses]
    assert scores == sorted(scores, reverse=True), "the best summary comes first"
    return Run(hypotheses, len(streamed) - 1, streamed[1:])


def _check_outlook(chances: Sequence[float], most_drafted: int) -> None:
    assert len(chances) <= most_drafted
    assert all(later <= earlier for earlier, later in pairwise([1.0, *chances, 0.0]))


def _check(proposal: Proposal, width: int, num_slots: int, most_drafted: int) -> None:
    num_queries = len(proposal.token_ids)
    if width == 1:
        assert 1 <= num_queries <= 1 + most_drafted
    else:
        assert num_queries == width
        assert proposal.first_slot % width == 0
    assert 0 <= proposal.first_slot <= num_slots, "no slot is left out"
    assert len(proposal.places) == len(proposal.excluded_ids) == num_queries
    assert proposal.ancestors is None or len(proposal.ancestors) == num_queries


def _feed(proposal: Proposal, slots: list[_Slot]) -> list[list[int]]:
    """Puts the tokens into their slots; the whole beginning that each of them ends."""
    first = proposal.first_slot
    del slots[first:]
    for query, (token, place) in enumerate(zip(proposal.token_ids, proposal.places, strict=True)):
        if proposal.ancestors is None:
            ancestors = frozenset(range(first + query))
        else:
            ancestors = frozenset(proposal.ancestors[query])
            assert len(ancestors) == len(proposal.ancestors[query]), "no slot is seen twice"
        slots.append(_Slot(token, place, ancestors))
    return [_beginning(slot, slots) for slot in slots[first:]]


def _beginning(slot: _Slot, slots: Sequence[_Slot]) -> list[int]:
    """Its ancestors' tokens in order of place, and its own."""
    path = sorted(slot.ancestors, key=lambda index: slots[index].place)
    assert [slots[index].place for index in path] == list(range(slot.place)), "each place once"
    for depth, index in enumerate(path):
        # What the cache holds of a slot was computed from what that slot saw, and from no more.
        assert slots[index].ancestors == frozenset(path[:depth]), "ancestors are one path"
    return [*(slots[index].token for index in path), slot.token]


@torch.inference_mode()
def _answer(
    model: Summarizer,
    source_ids: Sequence[int],
    beginnings: Sequence[Sequence[int]],
    proposal: Proposal,
) -> Outcome:
    source = torch.tensor([source_ids])  # [1,S]
    lengths = torch.tensor([len(source_ids)])
    states = model.encode(source, lengths)  # [1,S,d]
    hidden = _last_hidden(model, states, lengths, beginnings)  # [1,q,d]
    logits = model.logits(hidden)[0].float()  # [q,V]
    copy_indices = copy_gates = None
    if model.copy_head is None:
        probabilities, scores = torch.softmax(logits, dim=-1), logits
    else:
        bias = source_bias(lengths, len(source_ids), states.dtype)
        found = model.distribution(hidden, states, bias, source)
        probabilities = found.probabilities[0].float().clone()
        scores = probabilities.clamp_min(_SMALLEST).log()
        copy_indices = found.copy_attention[0].argmax(dim=-1).numpy()
        copy_gates = found.copy_gate[0, :, 0].numpy()
    for query, excluded in enumerate(proposal.excluded_ids):
        probabilities[query, sorted(excluded)] -= 2
    best = probabilities.topk(min(MOST_CANDIDATES, probabilities.shape[1]))
    return Outcome(
        token_ids=best.indices.numpy(),
        log_probs=best.values.clamp_min(_LEAST_PROBABILITY).log().numpy(),
        copy_indices=copy_indices,
        copy_gates=copy_gates,
        scores=scores.clone().numpy() if proposal.wants_scores else None,
    )


def _last_hidden(
    model: Summarizer, states: Tensor, lengths: Tensor, beginnings: Sequence[Sequence[int]]
) -> Tensor:
    """The network's view after the last token of each beginning, [1,q,d]."""
    rows = len(beginnings)
    longest = max(map(len, beginnings))
    # No token sees those after it, so what fills up the shorter beginnings does not matter.
    target = torch.tensor([[*tokens, *[0] * (longest - len(tokens))] for tokens in beginnings])
    cross = [
        (key.expand(rows, -1, -1, -1), value.expand(rows, -1, -1, -1))
        for key, value in model.cross_cache(states)
    ]
    start = torch.zeros(rows, dtype=torch.long)
    hidden, _ = model.decode(target, start, lengths.expand(rows), cross, None)  # [q,T,d]
    last = torch.tensor([len(tokens) - 1 for tokens in beginnings])
    return hidden[torch.arange(rows), last][None]


def _wipe(outcome: Outcome) -> None:
    """Spoils the arrays, as the runner's next step does: nobody may go on reading them."""
    outcome.token_ids.fill(-1)
    for array in (outcome.log_probs, outcome.copy_gates, outcome.scores):
        if array is not None:
            array.fill(np.nan)
    if outcome.copy_indices is not None:
        outcome.copy_indices.fill(-1)

"""Which tokens may come next, and which must: the rules of `GreedyOptions`.

They apply in the order of transformers' logits processors. All but the forced tokens work on the
scores of one summary, [V]: a token that a rule forbids scores minus infinity.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.decoding_options import GreedyOptions


def constrain(
    scores: Tensor,
    tokens: Sequence[int],
    source_ids: Sequence[int],
    options: GreedyOptions,
    *,
    start_id: int,
    end_id: int,
) -> Tensor:
    """The scores [V] of what may follow `tokens`, the summary so far."""
    written = [start_id, *tokens]  # the start token counts as written, as in transformers
    scores = scores.clone()
    if options.repetition_penalty != 1:
        used = torch.tensor(sorted(set(written)), device=scores.device)
        penalty = options.repetition_penalty
        scores[used] = torch.where(scores[used] < 0, scores[used] * penalty, scores[used] / penalty)
    scores[sorted(forbidden_ids(tokens, source_ids, options, start_id, end_id))] = -math.inf
    return scores


def forbidden_ids(
    tokens: Sequence[int],
    source_ids: Sequence[int],
    options: GreedyOptions,
    start_id: int,
    end_id: int,
) -> set[int]:
    """Every id that may not follow `tokens`."""
    written = [start_id, *tokens]
    forbidden = {
        *options.banned_ids,
        *repeating_ids(written, options.no_repeat_ngram_size),
        *repeating_ids(written, options.encoder_no_repeat_ngram_size, source_ids),
        *(run[-1] for run in options.banned_runs if _ends_with(tokens, run[:-1])),
    }
    if len(tokens) < options.min_tokens:
        forbidden.add(end_id)
    if len(tokens) == len(options.beginning):
        forbidden.update(options.not_first_ids)
    return forbidden


def forced_token(length: int, options: GreedyOptions) -> int | None:
    """The id that must follow `length` tokens, whatever the scores; the last token goes first."""
    if options.forced_last is not None and length == options.max_tokens - 1:
        return options.forced_last
    return options.beginning[length] if length < len(options.beginning) else None


def repeating_ids(tokens: Sequence[int], size: int, seen: Sequence[int] | None = None) -> set[int]:
    """Ids that would complete a run of `size` tokens that `seen` (or `tokens`) holds already."""
    seen = tokens if seen is None else seen
    if size == 0 or len(tokens) < size - 1:
        return set()
    tail = list(tokens[len(tokens) - size + 1 :])
    starts = range(len(seen) - size + 1)
    return {seen[i + size - 1] for i in starts if list(seen[i : i + size - 1]) == tail}


def _ends_with(tokens: Sequence[int], ending: Sequence[int]) -> bool:
    return not ending or tuple(tokens[-len(ending) :]) == tuple(ending)

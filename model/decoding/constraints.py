"""Which tokens may come next, and which must: the rules of `GreedyOptions`.

They apply in the order of transformers' logits processors. All but the forced tokens work on the
scores of one summary, [V]: a token that a rule forbids scores minus infinity.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from model.decoding.decoding_options import GreedyOptions
from model.decoding.repetition import repeating_ids, repeating_word_ids
from model.decoding.source_facts import wrong_fact_ids


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
    if options.only_source_facts:
        if options.spelling is None:
            raise ValueError("only_source_facts needs the spelling of the tokens")
        wrong = wrong_fact_ids(
            tokens, source_ids, options.spelling, vocabulary_size=len(scores), end_id=end_id
        )
        true = scores.clone()
        true[sorted(wrong)] = -math.inf
        if (true > -math.inf).any():  # otherwise this rule would leave nothing to write
            scores = true
    return scores


def forbidden_ids(
    tokens: Sequence[int],
    source_ids: Sequence[int],
    options: GreedyOptions,
    start_id: int,
    end_id: int,
) -> set[int]:
    """Every id that may not follow `tokens`, but for what `only_source_facts` forbids."""
    written = [start_id, *tokens]
    forbidden = {
        *options.banned_ids,
        *repeating_ids(written, options.no_repeat_ngram_size),
        *repeating_ids(written, options.encoder_no_repeat_ngram_size, source_ids),
        *(run[-1] for run in options.banned_runs if _ends_with(tokens, run[:-1])),
    }
    if size := options.no_repeat_word_ngram_size:
        if options.spelling is None:
            raise ValueError("no_repeat_word_ngram_size needs the spelling of the tokens")
        forbidden |= repeating_word_ids(tokens, size, options.spelling)
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


def _ends_with(tokens: Sequence[int], ending: Sequence[int]) -> bool:
    return not ending or tuple(tokens[-len(ending) :]) == tuple(ending)

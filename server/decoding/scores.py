"""Sums over scores: what a summary comes to, and rules that work on the whole vocabulary."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from server.decoding.strategy import Array, Outcome
from server.errors import InvalidRequest, Violation

# The graph cuts logarithms off at 1e-30; an excluded id has none at all.
_LEAST_LOG_PROB = math.log(1e-29)
_LARGEST = float(np.finfo(np.float32).max)


def summary_score(log_probability: float, num_tokens: int, length_penalty: float) -> float:
    """How good a summary is, for `Hypothesis.score`; the end token counts among num_tokens."""
    return log_probability / math.pow(num_tokens, length_penalty)


def constrain(
    scores: Array,
    written: Sequence[int],
    repetition_penalty: float,
    forbidden: Collection[int],
    unless_all: Array | None = None,
) -> Array:
    """A copy of scores [V] under the rules: the penalty on `written` first, then what is forbidden.

    `written` begins with the start token, as in transformers. A forbidden id scores minus infinity,
    and so does each for which `unless_all` [V] is true, unless that leaves nothing.
    """
    scores = scores.copy()
    if repetition_penalty != 1:
        used = np.unique(np.asarray(written))
        penalised = scores[used]
        is_below = penalised < 0
        # A tiny penalty lifts a score to infinity. It is cut off: from infinite scores nothing can
        # be drawn.
        with np.errstate(over="ignore"):
            penalised[is_below] *= repetition_penalty
            penalised[~is_below] /= repetition_penalty
        scores[used] = penalised.clip(-_LARGEST, _LARGEST)
    scores[list(forbidden)] = -np.inf
    if unless_all is not None:
        left = np.where(unless_all, -np.inf, scores)
        return left if left.max() > -np.inf else scores
    return scores


def log_normaliser(outcome: Outcome, query: int) -> float:
    """What to take from the scores of a query to have log-probabilities.

    The best candidate tells it, of which both are known; so nothing is summed over the vocabulary,
    unless that candidate is as good as impossible and its logarithm was cut off.
    """
    assert outcome.scores is not None, "the proposal asked for scores"
    log_prob = float(outcome.log_probs[query, 0])
    if log_prob > _LEAST_LOG_PROB:
        return float(outcome.scores[query, outcome.token_ids[query, 0]]) - log_prob
    scores = outcome.scores[query]
    highest = scores.max()
    return float(highest + np.log(np.exp(scores - highest).sum()))


def nothing_allowed() -> InvalidRequest:
    """Says that the rules of a request leave no token to write."""
    return InvalidRequest(Violation("options", "forbid every token of the vocabulary"))

"""The likeliest token that a request's rules allow."""

import math
from collections.abc import Sequence

import numpy as np

from server.decoding.rules import RulesAlong
from server.decoding.scores import constrain, log_normaliser
from server.decoding.strategy import Outcome

# The log-probability of an excluded id is below this, and that of hardly any other.
_HARDLY_ALLOWED = -60.0


def best_of_proposed(outcome: Outcome, query: int, along: RulesAlong) -> tuple[int | None, float]:
    """The best token where what is forbidden was excluded; None where nothing is left.

    Where names and numbers are checked, what is wrong was not excluded, because it is so much: it
    is None where the scores of all words have to tell.
    """
    if along.checks_facts:
        return best_of_ahead(outcome, query, along)
    token: int = outcome.token_ids.item(query, 0)
    log_probability: float = outcome.log_probs.item(query, 0)
    if log_probability < _HARDLY_ALLOWED and along.forbids(token):
        return None, log_probability
    return token, log_probability


def best_of_ahead(outcome: Outcome, query: int, along: RulesAlong) -> tuple[int | None, float]:
    """The best token where the model did not know the rules; None where only it can tell.

    Excluding a word changes no other's score, so the best candidate that is allowed is the best
    word that is. Not so far down where words are level, nor where there is no number at all.
    """
    for candidate in range(outcome.token_ids.shape[1]):
        token: int = outcome.token_ids.item(query, candidate)
        if not along.forbids(token):
            log_probability: float = outcome.log_probs.item(query, candidate)
            is_sure = _HARDLY_ALLOWED <= log_probability < math.inf
            return token if is_sure else None, log_probability
    return None, -math.inf


def best_of_scores(
    outcome: Outcome, query: int, along: RulesAlong, *, written: Sequence[int], penalty: float
) -> tuple[int | None, float]:
    """The best token of the whole vocabulary, with a repetition penalty on `written`."""
    assert outcome.scores is not None, "the proposal asked for scores"
    scores = outcome.scores[query]
    wrong = along.wrong_facts(len(scores))
    allowed = constrain(scores, written, penalty, along.forbidden(), wrong)
    token = int(allowed.argmax())
    if allowed[token] == -np.inf:
        return None, 0.0
    return token, float(scores[token]) - log_normaliser(outcome, query)

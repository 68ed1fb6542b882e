"""Scores stay numbers that can be compared, whatever a request asks for."""

import numpy as np

from server.decoding.draws import Draws
from server.decoding.scores import constrain
from server.types import DecodingOptions


def test_a_penalty_near_nothing_leaves_scores_that_can_be_drawn_from() -> None:
    scores = np.array([3.0, 9.5, -2.0, 0.0], np.float32)
    penalised = constrain(scores, [1], 1e-38, [0])
    assert penalised.tolist() == [-np.inf, np.finfo(np.float32).max, -2.0, 0.0]
    draws = Draws(DecodingOptions(max_tokens=1, temperature=1.0), len(scores))
    assert draws.draw(penalised, 0.999) == 1


def test_what_is_constrained_is_a_copy() -> None:
    scores = np.array([3.0, -2.0], np.float32)
    assert constrain(scores, [0, 1], 2.0, []).tolist() == [1.5, -4.0]
    assert scores.tolist() == [3.0, -2.0]

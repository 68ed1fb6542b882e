"""Rules that work on the scores of the whole vocabulary."""

import numpy as np
import pytest

from server.decoding.draws import Draws
from server.decoding.scores import constrain
from server.types import DecodingOptions

SCORES = np.array([8.0, -4.0, 0.5, 0.0], np.float32)


def test_a_penalty_lowers_what_was_written_and_leaves_the_rest() -> None:
    assert constrain(SCORES, [0, 1], 2.0, ()).tolist() == [4.0, -8.0, 0.5, 0.0]
    assert SCORES[0] == 8


@pytest.mark.parametrize("penalty", [1e-45, 1e-38, 1e38])
def test_a_penalty_at_the_edge_of_its_range_leaves_scores_that_a_token_can_be_drawn_from(
    penalty: float,
) -> None:
    scores = constrain(SCORES, [0, 1, 2], penalty, [3])
    assert np.isfinite(scores[:3]).all()
    assert scores[3] == -np.inf
    draws = Draws(DecodingOptions(max_tokens=1, temperature=1.0, top_p=0.9), len(SCORES))
    assert draws.draw(scores, 0.3) in (0, 1, 2)

"""What a step of the decoder costs, learnt from the steps that were run.

    seconds = a + b rows + c rows (q - 1), and d more where q > 1

The start of a step costs a, each row b, each further token of a row c; d is there because a step of
one token a row has a leaner graph of its own. All four are fitted by least squares over the recent
past. What the past does not tell comes from a prior, in proportion to what steps cost here: where
nothing has been drafted for a while, drafting is believed to pay again, and is tried.
"""

import numpy as np

# Shares of a step of one row and one token.
START = 0.5
ROW = 0.5
FURTHER_TOKEN = 1 / 6
SEVERAL_TOKENS = 0.2

_PRIOR = (START, ROW, FURTHER_TOKEN, SEVERAL_TOKENS)
# So little that a dozen steps that drafted are enough to be believed against the prior.
_PRIOR_WEIGHT = 0.1
# After so many steps, a step weighs a third of what it did: in the fit, and in the prior's scale.
_MEMORY_STEPS = 300
_KEPT = 1 - 1 / _MEMORY_STEPS
_SCALE_MEMORY_STEPS = 30
# A step that took more than this many times what was expected was held up by something else.
_MOST_SURPRISE = 2.0
# Adding up and solving after every step would cost more than it tells.
_STEPS_BETWEEN_FITS = 8
# No part of a step is free, whatever a few odd measurements say.
_LEAST_OF_PRIOR = 0.01


class StepCosts:
    """The cost of steps that read sources of one size; an observation takes some microseconds."""

    def __init__(self) -> None:
        # What a step of one row and one token costs, by and large. Before anything was seen it is
        # 1, and ratios are right, which is all that a choice needs.
        self._unit_s = 1.0
        self._costs = _PRIOR
        self._squares = np.zeros((4, 4))
        self._products = np.zeros(4)
        self._recent: list[tuple[float, float, float, float]] = []
        self._seen = 0

    def cost(self, rows: int, tokens: int) -> float:
        """Seconds that a step of so many rows, each of so many tokens, should take."""
        return _cost(self._costs, rows, tokens)

    def observe(self, rows: int, tokens: int, seconds: float) -> None:
        """Takes how long a step took; nothing is learnt where the clock was too coarse to tell."""
        if seconds <= 0:
            return
        if self._seen == 0:
            self._unit_s = seconds / _cost(_PRIOR, rows, tokens)
            self._fit()
        expected_s = self.cost(rows, tokens)
        seconds = min(seconds, _MOST_SURPRISE * expected_s)
        unit_s = seconds / _cost(_PRIOR, rows, tokens)
        self._unit_s += (unit_s - self._unit_s) / _SCALE_MEMORY_STEPS
        self._recent.append((rows, tokens, seconds, expected_s))
        self._seen += 1
        if len(self._recent) == _STEPS_BETWEEN_FITS:
            self._remember()
            self._fit()

    def _remember(self) -> None:
        """Adds the recent steps to the sums, the last with the most weight."""
        rows, tokens, seconds, expected_s = np.array(self._recent).T
        self._recent.clear()
        # As shares of what was expected: errors of long steps weigh no more than those of short.
        parts = np.stack((np.ones_like(rows), rows, rows * (tokens - 1), tokens > 1)) / expected_s
        fading = _KEPT ** np.arange(len(rows))[::-1]
        faded = _KEPT ** len(rows)
        self._squares = faded * self._squares + (parts * fading) @ parts.T
        self._products = faded * self._products + parts @ (fading * seconds / expected_s)

    def _fit(self) -> None:
        prior = np.array(_PRIOR) * self._unit_s
        # Errors as shares here too.
        weights = _PRIOR_WEIGHT / np.square(prior)
        solved = np.linalg.solve(self._squares + np.diag(weights), self._products + weights * prior)
        a, b, c, d = np.maximum(solved, _LEAST_OF_PRIOR * prior).tolist()
        self._costs = (a, b, c, d)


def _cost(costs: tuple[float, float, float, float], rows: int, tokens: int) -> float:
    a, b, c, d = costs
    cost = a + b * rows
    return cost if tokens == 1 else cost + d + c * rows * (tokens - 1)

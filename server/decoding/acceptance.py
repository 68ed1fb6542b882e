"""How often guesses come true, learnt from those of the same summary."""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

# One guess counts a tenth: a summary has some tens of them, and a summary that copies whole
# sentences should be known for it soon. From 0.05 to 0.2 it makes little difference.
_WEIGHT = 0.1

# A guess whose forerunner came true comes true itself, whatever told of the first.
_NEXT_CHANCE = 0.7


class Acceptance:
    """Running rates, falling off exponentially: of the first guess by kind, and of later ones."""

    def __init__(self, first_chances: Sequence[float]) -> None:
        self._first = list(first_chances)
        self._next = _NEXT_CHANCE

    def chances(self, kind: int, count: int) -> Sequence[float]:
        """The chance of each of `count` guesses in a row to come true with all before it."""
        return list(accumulate([self._first[kind], *[self._next] * (count - 1)], mul))[:count]

    def learn(self, kind: int, guessed: int, came_true: int) -> None:
        """Takes the outcome of guesses in a row; what came after a wrong one tells nothing."""
        if guessed == 0:
            return
        self._first[kind] += _WEIGHT * ((came_true > 0) - self._first[kind])
        for place in range(1, min(guessed, came_true + 1)):
            self._next += _WEIGHT * ((came_true > place) - self._next)

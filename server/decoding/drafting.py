"""Guessing what greedy decoding will write next: a summary copies, so the document is the guess.

A drafter follows one summary. Its guesses cost or save time and never change a token, so it may be
as rough as it likes; how often it has been right says how far to trust it. The priors, and the
rules that they go with, were measured on the default model and real documents.
"""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul
from typing import Protocol

# One guess counts a tenth: a summary has some tens of them, and a summary that copies whole
# sentences should be known for it soon. From 0.05 to 0.2 it makes little difference.
_WEIGHT = 0.1

# A guess whose forerunner came true comes true itself, whatever told of the first.
_NEXT_CHANCE = 0.7


class Drafter(Protocol):
    """Guesses the tokens that follow what is written."""

    def extend(self, tokens: Sequence[int], looked_at: int | None, gate: float | None) -> None:
        """Takes the tokens just written, at least one.

        For the last of them, looked_at is the source position that the copy head looked at, and
        gate how much it copied; None where nobody knows.
        """

    def draft(self, most: int) -> Sequence[int]:
        """The tokens that seem to come next, `most` at most; empty where nothing tells."""

    def chances(self, count: int) -> Sequence[float]:
        """The chance of each of the first `count` of them to be kept, falling."""

    def learn(self, drafted: int, accepted: int) -> None:
        """Takes how many of the tokens last drafted were checked and how many of them kept."""


class Acceptance:
    """How often guesses come true, learnt from those of the same summary.

    Running rates, falling off exponentially: of the first guess by kind, and of later ones.
    """

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


class CopyDrafts:
    """Goes on in the source where the copy head looked, if it looked at the token then written.

    There are four kinds of evidence: whether the token before agrees with the source too, and
    whether the gate was more open than shut.
    """

    _FIRST_CHANCES = (0.42, 0.6, 0.57, 0.73)

    def __init__(self, source_ids: Sequence[int]) -> None:
        self._source = source_ids
        self._next: int | None = None
        self._last: int | None = None
        self._kind = 0
        self._acceptance = Acceptance(self._FIRST_CHANCES)

    def extend(self, tokens: Sequence[int], looked_at: int | None, gate: float | None) -> None:
        """See Drafter."""
        previous = tokens[-2] if len(tokens) > 1 else self._last
        self._last = last = tokens[-1]
        if looked_at is None or self._source[looked_at] != last:
            self._next = None
            return
        self._next = looked_at + 1
        is_open = gate is not None and gate >= 0.5
        is_run = looked_at > 0 and self._source[looked_at - 1] == previous
        self._kind = 2 * is_run + is_open

    def draft(self, most: int) -> Sequence[int]:
        """See Drafter."""
        return () if self._next is None else self._source[self._next : self._next + most]

    def chances(self, count: int) -> Sequence[float]:
        """See Drafter."""
        return self._acceptance.chances(self._kind, count)

    def learn(self, drafted: int, accepted: int) -> None:
        """See Drafter."""
        self._acceptance.learn(self._kind, drafted, accepted)


class LookupDrafts:
    """Goes on where the longest n-gram that ends the summary stands in the source, 3 to 1 long.

    For networks without a copy head. Of several places it takes the last. The summary itself is not
    looked up: on real documents that gained nothing, with or without a rule against repetition.
    """

    _LONGEST = 3
    # After n-grams of 1, 2 and 3 tokens.
    _FIRST_CHANCES = (0.35, 0.6, 0.7)

    def __init__(self, source_ids: Sequence[int]) -> None:
        self._source = source_ids
        self._places = {
            tuple(source_ids[end - size : end]): end
            for end in range(1, len(source_ids))
            for size in range(1, min(self._LONGEST, end) + 1)
        }
        self._recent: tuple[int, ...] = ()
        self._next: int | None = None
        self._kind = 0
        self._acceptance = Acceptance(self._FIRST_CHANCES)

    def extend(self, tokens: Sequence[int], looked_at: int | None, gate: float | None) -> None:
        """See Drafter."""
        self._recent = recent = (*self._recent, *tokens)[-self._LONGEST :]
        self._next = None
        for size in range(len(recent), 0, -1):
            self._next = self._places.get(recent[-size:])
            if self._next is not None:
                self._kind = size - 1
                return

    def draft(self, most: int) -> Sequence[int]:
        """See Drafter."""
        return () if self._next is None else self._source[self._next : self._next + most]

    def chances(self, count: int) -> Sequence[float]:
        """See Drafter."""
        return self._acceptance.chances(self._kind, count)

    def learn(self, drafted: int, accepted: int) -> None:
        """See Drafter."""
        self._acceptance.learn(self._kind, drafted, accepted)

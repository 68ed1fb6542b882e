"""Which sentences make a summary: the best that fit, of which none only repeats another."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import isqrt

from server.text.whole_numbers import log2


class Said:
    """The content words of the sentences that are chosen, to tell what only repeats one of them."""

    def __init__(self) -> None:
        self._sentences = 0
        self._holders: dict[str, list[int]] = {}

    def add(self, words: Iterable[str]) -> None:
        """Notes a sentence that is chosen."""
        for word in dict.fromkeys(words):
            self._holders.setdefault(word, []).append(self._sentences)
        self._sentences += 1

    def repeats(self, words: Iterable[str]) -> bool:
        """Whether one of them holds more than 0.7 of these words; never if there are none."""
        distinct = dict.fromkeys(words)
        shared = Counter(holder for word in distinct for holder in self._holders.get(word, ()))
        return any(10 * count > 7 * len(distinct) for count in shared.values())

    def __contains__(self, word: str) -> bool:
        return word in self._holders


def select(
    order: Sequence[int],
    words: Sequence[Sequence[str]],
    lengths: Sequence[int],
    *,
    budget: int,
    most: int | None = None,
    said: Said | None = None,
) -> list[int]:
    """The sentences to take, the best first; sort them for the order of the document.

    `order` names sentences from the best to the worst, `words` and `lengths` belong to sentences by
    their numbers. One that is longer than what is left of the budget is passed over, and so is one
    that only repeats a sentence that is taken or `said`. At most `most` are taken.
    """
    said = said or Said()
    taken: list[int] = []
    for index in order:
        if len(taken) == most:
            break
        if lengths[index] > budget or said.repeats(words[index]):
            continue
        taken.append(index)
        said.add(words[index])
        budget -= lengths[index]
    return taken


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that a summary may hold, by its content words and its length."""

    words: tuple[str, ...]
    length: int


@dataclass(frozen=True, slots=True)
class Cover:
    """What to take, by number, each list in the order of choosing."""

    written: list[int]
    verbatim: list[int]


def cover(
    written: Sequence[Candidate],
    verbatim: Sequence[Candidate],
    order: Sequence[int],
    counts: Counter[str],
    budget: int,
) -> Cover:
    """Chooses from the sentences written about the parts of a document, then fills up with its own.

    First, again and again, the written sentence with the largest value is taken, as long as one
    that fits has a value above 0: the sum of the weights of its words that no taken sentence holds,
    less half of those that one does, over the square root of its length. A word weighs the
    logarithm of 1 + its count in the document. What is left of the budget goes to sentences of the
    document, in their `order` from the best to the worst.
    """
    said = Said()
    taken: list[int] = []
    # A value only ever falls, so one that is still the largest when counted again is the largest.
    heap = [(-_value(each, said, counts), index) for index, each in enumerate(written)]
    heapify(heap)
    while heap and heap[0][0] < 0:
        _, index = heappop(heap)
        candidate = written[index]
        if candidate.length > budget or said.repeats(candidate.words):
            continue
        now = (-_value(candidate, said, counts), index)
        if heap and heap[0] < now:
            heappush(heap, now)
        elif now[0] < 0:
            taken.append(index)
            said.add(candidate.words)
            budget -= candidate.length
    filling = select(
        order,
        [candidate.words for candidate in verbatim],
        [candidate.length for candidate in verbatim],
        budget=budget,
        said=said,
    )
    return Cover(taken, filling)


def _value(candidate: Candidate, said: Said, counts: Counter[str]) -> int:
    weights = {word: log2(1 + counts[word]) for word in candidate.words}
    new = sum(weight for word, weight in weights.items() if word not in said)
    old = sum(weights.values()) - new
    # In whole numbers, so that every machine chooses alike: a thousandth of a root is plenty.
    return 1000 * (2 * new - old) // (isqrt(1_000_000 * max(1, candidate.length)))

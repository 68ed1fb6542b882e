"""Which sentences of a document are its key sentences, the best first.

Without a model: how central a sentence is, times a prior for where it stands. With a text that says
what the document is about, such as the model's own brief: the sum of the places in that ranking and
in one by the words shared with the text. The constants were chosen on half of the documents in
docs/long-documents.md.
"""

from collections import Counter
from collections.abc import Sequence
from math import isqrt

from server.text.centrality import centrality
from server.text.structure import Sentence

_UNIT = 1024
# The first sentence of a document counts three times as much as one far down, the second 2.4 times.
_BEGINNING = 2
_OPENING_PERCENT = 125
_FEW_WORDS = 5


def key_scores(sentences: Sequence[Sentence], words: Sequence[Sequence[str]]) -> list[int]:
    """How much each sentence says of the document, by its place and its content words.

    How central it is, times 1 + 2 / sqrt(1 + its number), times 1.25 if it opens a paragraph or any
    other block. With fewer than five content words it counts for that many fifths: "I see." is
    about as long as what it says.
    """
    scores = []
    block = -1
    for number, (sentence, rank) in enumerate(
        zip(sentences, centrality(words).tolist(), strict=True)
    ):
        prior = _UNIT + _BEGINNING * isqrt(_UNIT * _UNIT // (1 + number))
        opening = _OPENING_PERCENT if sentence.block != block else 100
        substance = min(_FEW_WORDS, len(set(words[number])))
        scores.append(rank * prior * opening * substance)
        block = sentence.block
    return scores


def overlap_scores(words: Sequence[Sequence[str]], guide: Sequence[str]) -> list[int]:
    """How many content words each sentence shares with a guide: unigram F1, in millionths."""
    wanted = Counter(guide)
    return [
        2_000_000 * (Counter(sentence) & wanted).total() // max(1, len(sentence) + len(guide))
        for sentence in words
    ]


def best_first(*scores: Sequence[int]) -> list[int]:
    """The numbers of all sentences, ordered by the sum of their places in each of the rankings.

    Sentences with equal scores share a place; where sums are equal the earlier one comes first.
    """
    sums = [sum(places) for places in zip(*map(_places, scores), strict=True)]
    return sorted(range(len(sums)), key=sums.__getitem__)


def _places(scores: Sequence[int]) -> list[int]:
    """How many sentences have a higher score."""
    higher: dict[int, int] = {}
    for place, score in enumerate(sorted(scores, reverse=True)):
        higher.setdefault(score, place)
    return [higher[score] for score in scores]

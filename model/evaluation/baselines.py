"""What a summariser must beat: the document's first sentences, and its most central ones.

N sentences
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.data.records import Record
from model.data.sentences import split_sentences
from model.evaluation.copying import words
from model.evaluation.rule import MAX_CHARACTERS

_DAMPING = 0.85
_TOLERANCE = 1e-9
_MOST_ROUNDS = 200


def sentence_count(style: str) -> int:
    """How many sentences a summary of this style is like: three for `detailed`, else one."""
    return 3 if style == "detailed" else 1


@dataclass(frozen=True)
class Lead:
    """The first `count` sentences; as many as the style is like if count is None."""

    count: int | None = None

    @property
    def name(self) -> str:
        """As it is asked for and reported."""
        return "lead" if self.count is None else f"lead-{self.count}"

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        """One summary a record; it takes no time worth showing."""
        return [
            _join(
                _sentences(record)[: self.count or sentence_count(record.style)],
                record.lang,
            )
            for record in records
        ]


@dataclass(frozen=True)
class TextRank:
    """The `count` sentences that TextRank puts highest, in the document's order.

    "TextRank: Bringing Order into Texts", Mihalcea and Tarau 2004.
    """

    count: int | None = None

    @property
    def name(self) -> str:
        """As it is asked for and reported."""
        return "textrank" if self.count is None else f"textrank-{self.count}"

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        """One summary a record; it takes no time worth showing."""
        return [self._summary(record) for record in records]

    def _summary(self, record: Record) -> str:
        candidates = _sentences(record)
        ranks = rank([words(sentence) for sentence in candidates])
        best = np.argsort(-ranks, kind="stable")[: self.count or sentence_count(record.style)]
        return _join([candidates[index] for index in sorted(best)], record.lang)


def make_baseline(name: str) -> Lead | TextRank:
    """A baseline by its name: lead, lead-2, textrank, textrank-3 and the like."""
    match = re.fullmatch(r"(lead|textrank)(?:-([1-9]\d?))?", name)
    if match is None:
        raise ValueError(
            f"no baseline is called {name!r}; known: lead, lead-N, textrank, textrank-N"
        )
    kind = Lead if match[1] == "lead" else TextRank
    return kind(None if match[2] is None else int(match[2]))


def rank(tokenised: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """How central each sentence is: [N], summing to one.

    The stationary distribution of a walk from sentence to similar sentence, which starts anew
    anywhere with probability 1 - d (section 2.2); found by power iteration.
    """
    count = len(tokenised)
    weights = np.array([[similarity(a, b) for b in tokenised] for a in tokenised])  # [N,N]
    weights = weights.reshape(count, count)
    np.fill_diagonal(weights, 0.0)
    leaving = weights.sum(1, keepdims=True)  # [N,1]
    # A sentence that is like no other leads everywhere alike, so that no rank is lost.
    moves = np.divide(
        weights, leaving, out=np.full_like(weights, 1 / max(count, 1)), where=leaving > 0
    )
    ranks = np.full(count, 1 / max(count, 1))
    for _ in range(_MOST_ROUNDS):
        before, ranks = ranks, (1 - _DAMPING) / max(count, 1) + _DAMPING * ranks @ moves
        if np.abs(ranks - before).sum() < _TOLERANCE:
            break
    return ranks


def similarity(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """|words in common| / (log |ours| + log |theirs|), section 4.1; 0 if both are one word."""
    if not ours or not theirs or len(ours) * len(theirs) == 1:
        return 0.0
    return len(set(ours) & set(theirs)) / (math.log(len(ours)) + math.log(len(theirs)))


def _sentences(record: Record) -> list[str]:
    """Of what any summariser is given of the document."""
    return split_sentences(record.document[:MAX_CHARACTERS])


def _join(chosen: Sequence[str], lang: str) -> str:
    return ("" if lang == "zh" else " ").join(chosen)

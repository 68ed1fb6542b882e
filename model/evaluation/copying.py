"""How much of a summary is the document's own words, and how much of it says itself again.

Texts are lists of tokens here; see `words`. A share of nothing (a summary too short to hold a run
of n tokens) is NaN, which means over documents leave out.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

from model.evaluation.rouge import HanTokenizer

_TOKENIZER = HanTokenizer()


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation; each Han character is one."""
    return _TOKENIZER.tokenize(text)


def length(text: str, lang: str) -> int:
    """How long a text is: its words, as white space divides them; in Chinese its characters."""
    return sum(map(len, text.split())) if lang == "zh" else len(text.split())


def fragments(document: Sequence[str], summary: Sequence[str]) -> list[int]:
    """The lengths of the stretches that the summary shares with the document, left to right.

    At each place the longest stretch that the document holds anywhere is taken, and the search
    goes on behind it. "Newsroom: A Dataset of 1.3 Million Summaries with Diverse Extractive
    Strategies", Grusky et al. 2018, figure 3.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, token in enumerate(document):
        places[token].append(place)
    lengths, start = [], 0
    while start < len(summary):
        longest = max(
            (_shared(document, place, summary, start) for place in places.get(summary[start], ())),
            default=0,
        )
        if longest:
            lengths.append(longest)
        start += max(longest, 1)
    return lengths


def coverage(document: Sequence[str], summary: Sequence[str]) -> float:
    """The share of the summary that stands in the document: sum of |f| / |summary|."""
    return _share(sum(fragments(document, summary)), len(summary))


def density(document: Sequence[str], summary: Sequence[str]) -> float:
    """How long the shared stretch is that a word of the summary lies in: sum of |f|^2 / |summary|.

    A summary that is one stretch of the document has its own length as density.
    """
    squares = sum(length * length for length in fragments(document, summary))
    return _share(squares, len(summary))


def novelty(document: Sequence[str], summary: Sequence[str], size: int) -> float:
    """The share of the summary's runs of `size` tokens that the document lacks."""
    known = set(_runs(document, size))
    runs = _runs(summary, size)
    return _share(sum(run not in known for run in runs), len(runs))


def repetition(summary: Sequence[str], size: int) -> float:
    """The share of the summary's runs of `size` tokens that it has held before."""
    runs = _runs(summary, size)
    return _share(len(runs) - len(set(runs)), len(runs))


def _shared(document: Sequence[str], place: int, summary: Sequence[str], start: int) -> int:
    """How many tokens agree from these two places on."""
    count = 0
    for ours, theirs in zip(summary[start:], document[place:], strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def _runs(tokens: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan

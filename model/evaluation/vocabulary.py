"""Words that do not exist, or seem not to: neither the document nor a vocabulary holds them.

A decoder that writes words piece by piece can write one that is none ("Palestineian"). Chinese has
no spaces to tell where a word ends; there, pairs of neighbouring characters are looked up instead.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from bundle.words import HAN
from model.data.json_lines import JsonLines

_FEWEST = 3
"""How often a word must occur in other texts to be one: misspellings occur too."""

_LETTERS = re.compile(f"[^\\W\\d_{HAN}]+")
_HAN_RUN = re.compile(f"[{HAN}]+")


def spelled(text: str) -> list[str]:
    """The runs of letters of a text, in lower case, and the pairs of its Han characters."""
    pairs = [a + b for run in _HAN_RUN.findall(text) for a, b in pairwise(run)]
    return [*_LETTERS.findall(text.lower()), *pairs]


def vocabulary(texts: Iterable[str], others: Iterable[str] = ()) -> frozenset[str]:
    """What occurs in the texts, and what occurs at least three times in others."""
    counts = Counter(word for text in others for word in spelled(text))
    often = {word for word, count in counts.items() if count >= _FEWEST}
    return frozenset(often.union(*map(spelled, texts)))


def read_texts(paths: Sequence[Path]) -> Iterable[str]:
    """All text of JSON lines, plain or .gz or .xz: of training data, or of any other."""
    for path in paths:
        yield from JsonLines(path, lambda values, _: "\n".join(_texts(values.values())))


def unknown_words(summary: str, document: str, known: Collection[str]) -> list[str]:
    """The words of a summary, in order, that neither its document nor the vocabulary holds."""
    own = set(spelled(document))
    return [word for word in spelled(summary) if word not in own and word not in known]


def _texts(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str))

"""Whether a document is about one thing or several: does its end speak of what its beginning does?

"TextTiling", Hearst 1997, finds where the subject changes by the words that neighbouring sections
share; here sections far from each other are compared, which tells better how many subjects there
are than where each ends. All in whole numbers, so that the answer is the same on every machine.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import isqrt

_SECTION_WORDS = 100
_MOST_SECTIONS = 64
_SAME = 1000

SEVERAL_BELOW = 90
"""Sections far apart that are less similar than this, in thousandths, are of different subjects.

Chosen on joined and single documents: docs/long-documents.md.
"""


def distant_similarity(words: Sequence[Sequence[str]]) -> int:
    """How similar sections are that are at least half of the document apart, in thousandths.

    `words` are the content words of each sentence. Sections have some 100 content words, or more so
    that there are at most 64, and are as similar as the cosine of the angle between the counts of
    their words. A document of one section is entirely similar to itself.
    """
    sections = _sections(words)
    apart = max(1, (len(sections) + 1) // 2)
    similarities = [
        _cosine(sections[first], sections[second])
        for second in range(apart, len(sections))
        for first in range(second - apart + 1)
    ]
    return sum(similarities) // len(similarities) if similarities else _SAME


def has_several_subjects(words: Sequence[Sequence[str]]) -> bool:
    """Whether a document seems to be about several things, such as joined articles."""
    return distant_similarity(words) < SEVERAL_BELOW


def _sections(words: Sequence[Sequence[str]]) -> list[Counter[str]]:
    """Whole sentences; what is less than half a section at the end belongs to the one before."""
    total = sum(len(sentence) for sentence in words)
    size = max(_SECTION_WORDS, -(-total // _MOST_SECTIONS))
    sections: list[Counter[str]] = []
    section: Counter[str] = Counter()
    for sentence in words:
        section.update(sentence)
        if section.total() >= size:
            sections.append(section)
            section = Counter()
    if sections and 2 * section.total() < size:
        sections[-1].update(section)
    elif section:
        sections.append(section)
    return sections


def _cosine(ours: Counter[str], theirs: Counter[str]) -> int:
    smaller, larger = sorted((ours, theirs), key=len)
    product = sum(count * larger[word] for word, count in smaller.items() if word in larger)
    return _SAME * product // isqrt(_squares(ours.values()) * _squares(theirs.values()))


def _squares(counts: Iterable[int]) -> int:
    return sum(count * count for count in counts)

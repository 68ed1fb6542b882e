"""How text divides into words: what the rule against repeated words counts.

A word is what stands between white space, less the punctuation around it, in any case: the text
"(U.S. exports," holds the words u.s and exports, and "5.1%" is one word. East Asian punctuation
divides as white space does. Nothing divides Chinese words, so each Han character stands by itself
and counts half a word.
"""

import re
import unicodedata
from enum import Enum

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Han characters, as a regular expression writes them between brackets."""

_GAPS = (
    r"\s\u2014\u2026"  # white space, the dash, the ellipsis
    r"\u3001-\u3003\u3008-\u3011\u3014-\u301f"  # CJK punctuation
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"  # full width
)


class Kind(Enum):
    """What a stretch of text is to the words in it."""

    GAP = "between words"
    HAN = "Han characters"
    OTHER = "part of a word, or punctuation at its edge"


Segment = tuple[Kind, str]

_KINDS = {kind.name: kind for kind in Kind}
_SEGMENT = re.compile(f"(?P<GAP>[{_GAPS}]+)|(?P<HAN>[{HAN}]+)|(?P<OTHER>[^{_GAPS}{HAN}]+)")


def segments(text: str) -> tuple[Segment, ...]:
    """The stretches of a text, in order; nothing is left out."""
    return tuple((_KINDS[str(match.lastgroup)], match[0]) for match in _SEGMENT.finditer(text))


def bare(text: str) -> str:
    """A word without the punctuation around it, in lower case; "" if there is nothing else."""
    start, end = inner(text)
    return text[start:end].casefold()


def inner(text: str) -> tuple[int, int]:
    """Where a word starts and ends between the punctuation around it; (0, 0) if it is no word."""
    if text.isalnum():
        return 0, len(text)
    places = [place for place, character in enumerate(text) if is_inner(character)]
    return (places[0], places[-1] + 1) if places else (0, 0)


def is_inner(character: str) -> bool:
    """Whether it is a letter, a digit, or a mark over or under one."""
    return character.isalnum() or unicodedata.category(character)[0] == "M"

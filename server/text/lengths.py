"""How long a summary that is put together from sentences may be."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bundle.words import HAN
from server.types import Length

_WORD = re.compile(f"(?P<han>[{HAN}])|[^\\W_{HAN}]+(?:['\\u2019.,-][^\\W_{HAN}]+)*")
_NO_BOUND = 1 << 40


def half_words(text: str) -> int:
    """The length of a text in half words: a Han character counts as one, any other word as two."""
    return sum(1 if match["han"] else 2 for match in _WORD.finditer(text))


@dataclass(frozen=True, slots=True)
class Budget:
    """A bound on the sum of the lengths of sentences, and on their number."""

    size: int
    most: int | None
    length: Callable[[str], int]


def budget_for(
    length: Length | None, *, max_tokens: int, num_tokens: Callable[[str], int]
) -> Budget:
    """The bound that a request asks for, or else as many tokens as its summary may have."""
    if length is None:
        return Budget(max_tokens, None, num_tokens)
    size = 2 * length.words if length.words else _NO_BOUND
    return Budget(size, length.sentences or None, half_words)

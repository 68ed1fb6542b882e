"""A vocabulary sorted by what its tokens are to words, so that thousands are judged at once.

Words are those of bundle/facts.py. Nearly all tokens are a word, a word after a space, or hold no
letter and no digit.
"""

from functools import lru_cache

import numpy as np

from bundle.facts import Beginnings, is_run, is_telling, may_join, words_of
from bundle.spelling import Spelling
from server.decoding.strategy import Array


class TokenTable:
    """The tokens of a vocabulary by kind, and what each of their words is like."""

    def __init__(self, spelling: Spelling, vocabulary_size: int) -> None:
        kinds: dict[str, list[int]] = {kind: [] for kind in ("word", "space", "gap", "half", "?")}
        self.is_telling = np.zeros(vocabulary_size, bool)
        self.begins_with_digit = np.zeros(vocabulary_size, bool)
        # A number for each word; -1 is that of the tokens of other kinds.
        self._word = np.full(vocabulary_size, -1)
        self._numbers: dict[str, int] = {}
        for token in range(vocabulary_size):
            if not (spelled := spelling.text(token)):
                continue
            kind, word = _kind(spelled)
            kinds[kind].append(token)
            if kind in ("word", "space"):
                self.is_telling[token] = is_telling(word)
                self.begins_with_digit[token] = word[0].isdecimal()
                self._word[token] = self._numbers.setdefault(word, len(self._numbers))
        # A word and nothing else; the same after a space; neither letters nor digits.
        self.words = np.array(kinds["word"], np.int64)
        self.spaced = np.array(kinds["space"], np.int64)
        self.gaps = np.array(kinds["gap"], np.int64)
        # No letters and digits either, but for what begins or ends within a character.
        self.halves = kinds["half"]
        self.others = kinds["?"]

    def are_in(self, beginnings: Beginnings, begun: str = "") -> Array:
        """Whether each token is a word, or a part of one, that is among these after `begun`."""
        found = np.zeros(len(self._numbers) + 1, bool)
        numbers = (self._numbers.get(rest) for rest in beginnings.after(begun))
        found[[number for number in numbers if number is not None]] = True
        are_found: Array = found[self._word]
        return are_found


def _kind(spelled: bytes) -> tuple[str, str]:
    """What a token is, and its word."""
    try:
        text = spelled.decode()
    except UnicodeDecodeError:
        return ("?" if words_of(spelled.decode(errors="ignore")) else "half"), ""
    if is_run(text):
        return "word", text
    if text[0] == " " and is_run(text[1:]):
        return "space", text[1:]
    return ("?" if words_of(text) or may_join(text[0]) else "gap"), ""


@lru_cache(maxsize=4)
def table_of(spelling: Spelling, vocabulary_size: int) -> TokenTable:
    """The table of a vocabulary, made when it is first asked for."""
    return TokenTable(spelling, vocabulary_size)

"""The rule that no name or number is written that the source does not hold.

bundle/facts.py says what is forbidden. Here it is kept along with what is written, so that a token
costs constant time. Sampling has to know it of all tokens: token_table.py looks at them together.
"""

import codecs

import numpy as np

from bundle.facts import OPENS, Source, Word, is_opening, stretch_after, words_of
from bundle.spelling import Spelling
from server.decoding.strategy import Array
from server.decoding.token_table import TokenTable, table_of


class OnlySourceFacts:
    """Knows which tokens would make a word wrong."""

    def __init__(self, source: Source, spelling: Spelling) -> None:
        self._source = source
        self._spelling = spelling
        # The word that the text ends with, if any, with what may become a part of it; whether it,
        # or else the next word, is at the beginning of a sentence; and whether it is wrong already.
        self._open = ""
        self._begins = False
        self._is_wrong = False
        # Whether that word is one that is checked.
        self._checks_open = False
        # What stands before the next word, if the text does not end with one.
        self._before = OPENS
        # The bytes of a character that is not complete yet.
        self._half = b""
        # Which tokens may not begin a word, where a sentence begins or not; copies share it.
        self._wrong_first: dict[bool, Array] = {}

    def copy(self) -> "OnlySourceFacts":
        """The rule as it stands, to go on by itself."""
        other = OnlySourceFacts.__new__(OnlySourceFacts)
        other.__dict__ |= self.__dict__
        return other

    def push(self, token: int) -> None:
        """Takes the token just written."""
        text, self._half = self._read(token)
        self._write(text)

    def forbids(self, token: int) -> bool:
        """Whether a token would make a word wrong."""
        spelled = self._spelling.text(token)
        if not spelled:
            return False
        if not (self._half or self._checks_open or self._spelling.is_telling(token)):
            if not self._source.is_chinese:
                return False  # as most tokens are
        text, half = self._read(token)
        words = self._words(text)
        judged = words[1:] if self._is_wrong else words
        if any(map(self._source.is_wrong, judged)):
            return True
        is_within = bool(half and judged and judged[-1].is_last)
        return is_within and not self._source.may_go_on_within(judged[-1], half)

    def forbids_end(self) -> bool:
        """Whether the last word would be wrong if nothing became a part of it any more."""
        if not self._open or self._is_wrong:
            return False
        return any(map(self._source.is_wrong_if_complete, self._words("")))

    def wrong(self, vocabulary_size: int) -> Array:
        """What `forbids` says of every token, [V]."""
        table = table_of(self._spelling, vocabulary_size)
        ends_wrong = self.forbids_end()
        wrong = np.zeros(vocabulary_size, bool)
        wrong[table.gaps] = ends_wrong
        others = [*table.others, *(table.halves if ends_wrong or self._half else ())]
        wrong[others] = [self.forbids(token) for token in others]

        after = self.copy()
        if self._half:  # what does not complete the character makes it an unknown sign
            after._write("\ufffd")
        after._close()
        wrong[table.words] = after._begin_wrong(table)[table.words] | ends_wrong
        if self._open and not self._half:
            joiner = self._words("")[0].joiner
            going_on = table.words[table.begins_with_digit[table.words]] if joiner else table.words
            wrong[going_on] = not self._is_wrong and self._go_on_wrong(table)[going_on]
        after._write(" ")
        wrong[table.spaced] = after._begin_wrong(table)[table.spaced] | ends_wrong
        return wrong

    def _read(self, token: int) -> tuple[str, bytes]:
        """What a token adds in whole characters, and the bytes that are left."""
        written = self._half + self._spelling.text(token)
        text, num_read = codecs.utf_8_decode(written, "replace", False)
        return text, written[num_read:]

    def _words(self, text: str) -> list[Word]:
        """The words from the one that the text ends with, if it does, after some more text."""
        return words_of(self._open + text, self._before, begins=self._begins)

    def _write(self, text: str) -> None:
        words = self._words(text)
        if words and words[-1].is_last:
            last = words[-1]
            is_same = bool(self._open) and len(words) == 1
            self._is_wrong = (self._is_wrong and is_same) or self._source.is_wrong(last)
            self._checks_open = self._source.checks(last.text)
            self._open, self._begins, self._before = last.written, last.begins, ""
        else:
            if words:
                rest = (self._open + text)[words[-1].end :]
                self._begins = words[-1].leaves_beginning
            else:
                rest = self._before + text
            self._open, self._before = "", stretch_after(rest)
            self._is_wrong = self._checks_open = False

    def _close(self) -> None:
        """Takes the last word for complete, without anything after it."""
        if self._open:
            word = self._words("")[0]
            self._begins, self._before = word.leaves_beginning, stretch_after(word.joiner)
            self._open, self._is_wrong, self._checks_open = "", False, False

    def _begin_wrong(self, table: TokenTable) -> Array:
        """Of tokens that are the beginning of a word: which may not stand here, [V]."""
        source, begins = self._source, self._begins or is_opening(self._before)
        if begins not in self._wrong_first:
            known = table.are_in(source.beginnings)
            if begins:
                known |= table.are_in(source.ordinary_beginnings)
            self._wrong_first[begins] = ~known & (table.is_telling | source.is_chinese)
        return self._wrong_first[begins]

    def _go_on_wrong(self, table: TokenTable) -> Array:
        """Of tokens that are a part of the open word: which make it wrong, [V]."""
        known = table.are_in(self._source.beginnings, self._open)
        if self._begins:
            known |= table.are_in(self._source.ordinary_beginnings, self._open)
        return ~known & (table.is_telling | self._checks_open)

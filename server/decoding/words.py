"""The rule that no run of n words is written twice, which never breaks a word.

bundle/words.py says what a word is. A Han character counts half a word, and a run may not come
again if it is longer than n - 1 words: n words, or 2n - 1 Han characters.

A token is forbidden only where it would begin a word, never inside one: there the model would go on
with another ending, and write what is no word. Which word a token begins shows only later, so what
is forbidden is the token that began the word at the other place. Han characters are known at once:
there, exactly the tokens are forbidden that would complete a run.

A number is forbidden only after other numbers, since another one in its place would be wrong. A
token that ends within a character is never forbidden: it may begin a hundred characters.
"""

import codecs
from collections.abc import Sequence
from typing import NamedTuple

from bundle.spelling import Spelling
from bundle.words import Kind, bare, segments

# Runs are counted in half words.
_WORD, _HAN = 2, 1


class _Word(NamedTuple):
    text: str
    counts: int

    @property
    def is_number(self) -> bool:
        return self.text[0].isdigit()


_Words = tuple[_Word, ...]


class NoRepeatWords:
    """Knows which tokens would repeat a run of words; each token costs constant time."""

    def __init__(self, size: int, spelling: Spelling) -> None:
        self._least = 2 * size - 1
        self._spelling = spelling
        self._recent: _Words = ()
        # What is written after them without a gap, and whether there is a letter or digit in it.
        self._open = ""
        self._is_begun = False
        # The bytes of a character that is not complete yet.
        self._half = b""
        # What has completed a run: the first token of a word, or Han characters. It is found by
        # how much that counts, and by the words before it in the run.
        self._endings: dict[tuple[int, _Words], tuple[int | str, ...]] = {}
        self._most_counts = 0

    def copy(self) -> "NoRepeatWords":
        """The rule as it stands, to go on by itself."""
        other = NoRepeatWords.__new__(NoRepeatWords)
        other.__dict__ |= self.__dict__
        other._endings = self._endings.copy()
        return other

    def push(self, token: int) -> None:
        """Takes the token just written."""
        stretches = None if self._half else self._spelling.segments(token)
        first = None if self._half else token
        if stretches is None:
            written = self._half + self._spelling.text(token)
            text, num_read = codecs.utf_8_decode(written, "replace", False)
            stretches, self._half = segments(text), written[num_read:]
        for kind, stretch in stretches:
            if kind is Kind.OTHER:
                self._write(stretch, first)
                continue
            self._end_word()
            if kind is Kind.HAN:
                for character in stretch:
                    self._write_han(character)

    def forbidden(self) -> Sequence[int]:
        """Tokens that would complete a run written before."""
        if self._half or not self._endings:
            return ()
        recent = self._recent
        if self._is_begun:
            recent = (*recent, _Word(bare(self._open), _WORD))
        found: list[int] = []
        for counts in range(1, self._most_counts + 1):
            before = self._run_before(recent, counts)
            for ending in () if before is None else self._endings.get((counts, before), ()):
                if isinstance(ending, str):
                    found += self._spelling.beginning_with(ending)
                elif not self._is_begun or self._spelling.ends_a_word(ending):
                    found.append(ending)
        return found

    def _write(self, stretch: str, first: int | None) -> None:
        if not self._is_begun and (beginning := bare(stretch)):
            self._is_begun = True
            self._begin_word(_Word(beginning, _WORD), first)
        self._open += stretch

    def _begin_word(self, word: _Word, first: int | None) -> None:
        before = self._run_before(self._recent, _WORD)
        if first is None or before is None:
            return
        if not word.is_number or all(each.is_number for each in before):
            self._note(_WORD, before, first)

    def _end_word(self) -> None:
        if self._is_begun:
            self._add(_Word(bare(self._open), _WORD))
        self._open, self._is_begun = "", False

    def _write_han(self, character: str) -> None:
        self._add(_Word(character, _HAN))
        run = self._run_before(self._recent, 0) or ()
        for size in range(1, min(len(run), self._spelling.most_han) + 1):
            ending = run[-size:]
            if ending[0].counts != _HAN:
                break
            self._note(size, run[:-size], "".join(word.text for word in ending))

    def _add(self, word: _Word) -> None:
        self._recent = (*self._recent, word)[-self._least :]

    def _run_before(self, recent: _Words, counts: int) -> _Words | None:
        """The last words that make a run with what counts so much; None if they are too few."""
        missing, start = self._least - counts, len(recent)
        while missing > 0:
            if start == 0:
                return None
            start -= 1
            missing -= recent[start].counts
        return recent[start:]

    def _note(self, counts: int, before: _Words, ending: int | str) -> None:
        key = (counts, before)
        self._endings[key] = (*self._endings.get(key, ()), ending)
        self._most_counts = max(self._most_counts, counts)

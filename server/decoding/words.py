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
from collections.abc import Iterable, Sequence

from bundle.spelling import Spelling
from bundle.words import Kind, bare, segments

# Runs are counted in half words.
_WORD, _HAN = 2, 1


class NoRepeatWords:
    """Knows which tokens would repeat a run of words.

    A token costs constant time, and a little for each time that the last word occurs before.
    """

    def __init__(self, size: int, spelling: Spelling) -> None:
        self._least = 2 * size - 1
        self._spelling = spelling
        self._has_whole_runs = spelling.most_han >= self._least
        # Of each word, the last one too while it is written: its text, how much it counts, and the
        # token that began it, if that may ever be forbidden.
        self._texts: list[str] = []
        self._counts: list[int] = []
        self._firsts: list[int | None] = []
        # Where each word occurs, once it is complete.
        self._places: dict[str, tuple[int, ...]] = {}
        # Tokens of so many Han characters that they are a run by themselves, written before.
        self._whole_runs: tuple[int, ...] = ()
        # What is written since the last gap, and whether there is a letter or digit in it.
        self._open = ""
        self._is_begun = False
        # The bytes of a character that is not complete yet.
        self._half = b""
        # What is forbidden after what is written, once somebody has asked.
        self._forbidden: Sequence[int] | None = None

    def copy(self) -> "NoRepeatWords":
        """The rule as it stands, to go on by itself."""
        other = NoRepeatWords.__new__(NoRepeatWords)
        other.__dict__ |= self.__dict__
        other._texts, other._counts = self._texts.copy(), self._counts.copy()
        other._firsts, other._places = self._firsts.copy(), self._places.copy()
        return other

    def push(self, token: int) -> None:
        """Takes the token just written."""
        self._forbidden = None
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
            if self._is_begun:
                self._note_place()
            self._open, self._is_begun = "", False
            if kind is Kind.HAN:
                for character in stretch:
                    self._write_han(character)

    def forbidden(self) -> Sequence[int]:
        """Tokens that would complete a run written before."""
        if self._forbidden is None:
            self._forbidden = self._find_forbidden()
        return self._forbidden

    def _find_forbidden(self) -> Sequence[int]:
        if self._half or not self._texts:
            return ()
        last = len(self._texts) - 1
        found = list(self._whole_runs)
        for place in self._places_like(last):
            missing = self._least - self._agreeing(place, last)
            following = place + 1
            if self._counts[following] == _HAN:
                found += self._completing(following, missing)
            elif missing <= _WORD and (first := self._firsts[following]) is not None:
                is_spared = self._is_number(following) and not self._follow_numbers(following)
                if not is_spared and (not self._is_begun or self._spelling.ends_a_word(first)):
                    found.append(first)
        return found

    def _write(self, stretch: str, first: int | None) -> None:
        self._open += stretch
        if self._is_begun:
            self._texts[-1] = bare(self._open)
        elif word := bare(stretch):
            self._is_begun = True
            self._append(word, _WORD, first)

    def _write_han(self, character: str) -> None:
        self._append(character, _HAN, None)
        self._note_place()
        if self._has_whole_runs:
            self._whole_runs += tuple(self._completing(len(self._texts) - self._least, self._least))

    def _append(self, text: str, counts: int, first: int | None) -> None:
        self._texts.append(text)
        self._counts.append(counts)
        self._firsts.append(first)

    def _note_place(self) -> None:
        text = self._texts[-1]
        self._places[text] = (*self._places.get(text, ()), len(self._texts) - 1)

    def _places_like(self, last: int) -> Iterable[int]:
        """The places before that hold the last word; before every word, if one makes a run."""
        if self._least == 1:
            return range(-1, last)
        return (place for place in self._places.get(self._texts[last], ()) if place < last)

    def _agreeing(self, place: int, last: int) -> int:
        """How much the words count that end at both places alike, up to what needs one more."""
        counts = 0
        while counts < self._least - 1 and place >= 0 and self._texts[place] == self._texts[last]:
            counts += self._counts[place]
            place, last = place - 1, last - 1
        return min(counts, self._least - 1)

    def _completing(self, place: int, missing: int) -> Sequence[int]:
        """Tokens that begin with as many Han characters as are missing, if they stand there."""
        end = place + missing
        if place < 0 or end > len(self._texts) or self._counts[place:end].count(_HAN) < missing:
            return ()
        return self._spelling.beginning_with("".join(self._texts[place:end]))

    def _is_number(self, place: int) -> bool:
        return self._texts[place][0].isdigit()

    def _follow_numbers(self, place: int) -> bool:
        """Whether the words before it in a run are numbers."""
        counts = _WORD
        while counts < self._least:
            place -= 1
            if not self._is_number(place):
                return False
            counts += self._counts[place]
        return True

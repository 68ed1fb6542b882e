"""Which names and numbers stand in a document: what the option `only_source_facts` lets be written.

A word here is a run of letters and digits in scripts that have capitals (Latin, Greek, Cyrillic,
Armenian). A full stop or a comma between two digits is part of it, and so is a hyphen between a
letter and a digit: 5.1, 1,234, GPT-4 and 1990s are one word each. All else divides: "U.S." is the
words U and S, "Smith's" is Smith and s, "Anglo-French" is Anglo and French, and "5.1%" is 5.1.
Signs of other scripts divide too; they have no capitals, and nothing of them is checked.

A word is checked if it has a capital or a digit. In the summary of a Chinese document, which is one
with more Han characters than words, every word is. Units, ordinary words in small letters and
numbers that are written out ("three", 三十) are not.

A checked word may be written if the document has it anywhere. It is spelled the same, in small
letters, or in small letters after one capital: THE in the document allows The, but The does not
allow THE. GPT-4 allows GPT and 4 too, but 5.1 allows neither 5 nor 1.

There is one exception, but not in Chinese: an ordinary word may have a capital at the beginning of
a sentence. A word is ordinary if the vocabulary has it, in small letters and after a space, as one
token. A sentence begins with the text, or after a full stop and a space, a colon, a quotation mark,
a dash or the like. Its beginning goes on up to the first word without a capital, those left out
that have none in an English title either (of, the, with): so a whole title is one.

A word is wrong if it is checked and may not be written. While it is the last thing in a text, it is
wrong only if no word that may be written begins so. The rule forbids a token that would make a word
wrong. It says nothing of a word that is wrong already: the last word of a prefix that the request
gives may go on as the model likes. A token that ends within a character is forbidden only where the
last word is not complete and none that may be written goes on with such a character.

The end of the text completes the last word. A limit on the length may cut it off. Where the rule
would leave nothing to write, it does not count for that token.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from bundle.words import HAN

_LETTER = r"(?:(?=[\0-\u058f\u1e00-\u1fff\uff00-\uff5a])[^\W_]|[\u0300-\u036f\d])"
_WORD = re.compile(rf"{_LETTER}+(?:(?:(?<=\d)[.,]|(?<=[^\W\d_])-)(?=\d){_LETTER}+)*")
_RUN = re.compile(f"{_LETTER}+")
# A word with what would become part of it if a digit followed.
_JOINED = re.compile(r".*(?:\d[.,]|[^\W\d_]-)", re.DOTALL)
_HAN = re.compile(f"[{HAN}]")
_STOPS, _CLOSING = ".!?\u2026", "\"'\u201d\u2019)\\]"
_OPENING = re.compile(
    rf"[{_STOPS}][{_CLOSING}]*\s|[\n:;\"\u201c\u201e\u00ab\u2018(\[\u2014\u2013\u2022]"
)
_HALF_OPENING = re.compile(rf"[{_STOPS}][{_CLOSING}]*\Z")
_SMALL_IN_TITLES = frozenset(
    "a an the and or of in on for to by via at as with from into over under".split()
)
OPENS = "\n"
"""Stands for any stretch after which a sentence begins, such as the one before a text."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word in a text."""

    text: str
    # Where it ends in the text.
    end: int
    # Whether it stands at the beginning of a sentence.
    begins: bool
    # Whether the text ends with it, so that it may go on. If `joiner` is set it goes on only with a
    # digit, and the joiner is then a part of it.
    is_last: bool = False
    joiner: str = ""

    @property
    def leaves_beginning(self) -> bool:
        """Whether a word after it still stands at the beginning."""
        return self.begins and (not self.text[0].islower() or self.text in _SMALL_IN_TITLES)

    @property
    def written(self) -> str:
        """The word and what may become a part of it."""
        return self.text + self.joiner


def words_of(text: str, before: str = OPENS, *, begins: bool = False) -> list[Word]:
    """The words of a text, in order. `before` stands before it, and belongs to no word.

    begins: the first word is at the beginning of a sentence, whatever `before` says.
    """
    found: list[Word] = []
    end, whole = 0, before + text
    for match in _WORD.finditer(whole, len(before)):
        begins = begins or _OPENING.search(whole, end, match.start()) is not None
        end = match.end()
        rest = whole[end:] if len(whole) - end <= 1 else None
        joiner = rest if rest and _JOINED.fullmatch(match[0][-1] + rest) else ""
        is_last = rest == "" or joiner != ""
        found.append(Word(match[0], end - len(before), begins, is_last, joiner))
        begins = found[-1].leaves_beginning
    return found


def is_opening(stretch: str) -> bool:
    """Whether a sentence begins after a stretch between words."""
    return _OPENING.search(stretch) is not None


def is_run(text: str) -> bool:
    """Whether it is a word, or part of one, without a full stop, comma or hyphen in it."""
    return _RUN.fullmatch(text) is not None


def may_join(character: str) -> bool:
    """Whether it may become a part of a word."""
    return character in ".,-"


def stretch_after(text: str) -> str:
    """As much of a stretch between words as says whether a sentence begins after it."""
    if is_opening(text):
        return OPENS
    found = _HALF_OPENING.search(text)
    return found[0] if found else ""


class Source:
    """The words that a document has, and so its summary may have."""

    def __init__(self, document: str, ordinary: "Ordinary") -> None:
        written = _WORD.findall(document)
        self.is_chinese = len(_HAN.findall(document)) > len(written)
        parts = set(written)
        parts.update(part for each in written if "-" in each for part in each.split("-"))
        small = {each.lower() for each in parts}
        self._words = parts | small | {each.capitalize() for each in small}
        self._ordinary = ordinary

    @cached_property
    def beginnings(self) -> "Beginnings":
        """Those of the words that may stand anywhere."""
        return Beginnings(self._words)

    @cached_property
    def ordinary_beginnings(self) -> "Beginnings":
        """Those of ordinary words, which may stand where a sentence begins."""
        return Beginnings(()) if self.is_chinese else self._ordinary.beginnings

    def is_wrong(self, word: Word) -> bool:
        """Whether a word is checked and neither may be written nor may become such a word."""
        return not self._may_stand(word) and not (word.is_last and self._may_go_on(word))

    def is_wrong_if_complete(self, word: Word) -> bool:
        """The same if nothing more becomes a part of it."""
        return not self._may_stand(word)

    def may_go_on_within(self, word: Word, half: bytes) -> bool:
        """Whether it is right, or becomes right with a character that begins with these bytes."""
        if self._may_stand(word):
            return True
        return any(
            rest[:1].encode().startswith(half)
            for known in self._beginnings(begins=word.begins)
            for rest in known.after(word.written)
        )

    def checks(self, text: str) -> bool:
        """Whether a word is one that must stand in the document."""
        return self.is_chinese or is_telling(text)

    def _may_stand(self, word: Word) -> bool:
        text = word.text
        if not self.checks(text) or text in self._words:
            return True
        return word.begins and not self.is_chinese and text in self._ordinary.words

    def _may_go_on(self, word: Word) -> bool:
        return any(word.written in known for known in self._beginnings(begins=word.begins))

    def _beginnings(self, *, begins: bool) -> Sequence["Beginnings"]:
        if not begins:
            return (self.beginnings,)
        return (self.beginnings, self.ordinary_beginnings)


class Beginnings:
    """Everything that some words begin with, the words themselves too."""

    def __init__(self, words: Iterable[str]) -> None:
        self._all = frozenset(beginning for word in words for beginning in accumulate(word))

    def __contains__(self, text: str) -> bool:
        return text in self._all

    def after(self, text: str) -> Iterator[str]:
        """What may follow a beginning; "" too, if it is one."""
        for place in range(bisect_left(self._sorted, text), len(self._sorted)):
            if not self._sorted[place].startswith(text):
                break
            yield self._sorted[place][len(text) :]

    @cached_property
    def _sorted(self) -> Sequence[str]:
        return sorted(self._all)


class Ordinary:
    """Ordinary words, each with a capital, and how they begin."""

    def __init__(self, words: Iterable[str]) -> None:
        """Some words, in small letters."""
        self.words = frozenset(word.capitalize() for word in words)
        self.beginnings = Beginnings(self.words)


def is_telling(text: str) -> bool:
    """Whether a word has a capital or a digit."""
    return text != text.lower() or any(map(str.isdecimal, text))


def wrong_words(source: Source, summary: str, *, is_cut: bool = False) -> Sequence[str]:
    """The words of a summary that are wrong, each once, in order.

    is_cut: the summary was cut off, so its last word need not be complete.
    """
    is_wrong = source.is_wrong if is_cut else source.is_wrong_if_complete
    return list(dict.fromkeys(word.text for word in words_of(summary) if is_wrong(word)))

"""The rules that nothing is written twice, plainly: runs of tokens, and runs of whole words.

Everything is found anew from the whole summary each time. The server keeps the same rules along
with what it writes (server/decoding/words.py, which says why they are so), and tests compare.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from bundle.spelling import Spelling
from bundle.words import Kind, bare, segments

_WORD, _HAN = 2, 1  # what they count in a run, in half words


@dataclass
class _Word:
    text: str
    counts: int
    # The token that begins it; None where that begins or ends within a character.
    first: int | None


def repeating_ids(tokens: Sequence[int], size: int, seen: Sequence[int] | None = None) -> set[int]:
    """Ids that would complete a run of `size` tokens that `seen` (or `tokens`) holds already."""
    seen = tokens if seen is None else seen
    if size == 0 or len(tokens) < size - 1:
        return set()
    tail = list(tokens[len(tokens) - size + 1 :])
    starts = range(len(seen) - size + 1)
    return {seen[i + size - 1] for i in starts if list(seen[i : i + size - 1]) == tail}


def repeating_word_ids(tokens: Sequence[int], size: int, spelling: Spelling) -> set[int]:
    """Ids that begin a word, or are Han characters, and so would repeat a run of `size` words."""
    least = 2 * size - 1  # more than size - 1 words
    words, is_open, is_half = _words(tokens, spelling)
    if is_half:
        return set()
    forbidden = set()
    # A word that ends the run again, where one has ended it before.
    before = _last_counting(words, least - _WORD)
    for i, word in enumerate(words):
        if before is None or word.counts != _WORD or not _ends_with(words[:i], before):
            continue
        spares_number = _is_number(word) and not all(map(_is_number, before))
        if word.first is not None and not spares_number:
            if not is_open or spelling.ends_a_word(word.first):
                forbidden.add(word.first)
    # Han characters, as many as a token may have.
    for count in range(1, min(least, spelling.most_han) + 1):
        before = _last_counting(words, least - count)
        for i in range(len(words) - count + 1):
            ending = words[i : i + count]
            if before is not None and _ends_with(words[:i], before):
                if all(word.counts == _HAN for word in ending):
                    characters = "".join(word.text for word in ending)
                    forbidden.update(spelling.beginning_with(characters))
    return forbidden


def _words(tokens: Sequence[int], spelling: Spelling) -> tuple[list[_Word], bool, bool]:
    """The words written, whether the last is still open, and whether a character is incomplete."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    words: list[_Word] = []
    written = ""  # since the last gap or Han character
    for token in tokens:
        is_whole = not decoder.getstate()[0]
        for character in decoder.decode(spelling.text(token)):
            ((kind, _),) = segments(character)
            if kind is Kind.HAN:
                words.append(_Word(character, _HAN, None))
            if kind is not Kind.OTHER:
                written = ""
                continue
            if bare(written):
                words.pop()
            elif bare(character):
                first = token if is_whole else None
            written += character
            if bare(written):
                words.append(_Word(bare(written), _WORD, first))
    return words, bool(bare(written)), bool(decoder.getstate()[0])


def _last_counting(words: Sequence[_Word], least: int) -> list[_Word] | None:
    """The last words, as few as count so much; None if all of them count less."""
    for number in range(len(words) + 1):
        last = words[len(words) - number :]
        if sum(word.counts for word in last) >= least:
            return list(last)
    return None


def _ends_with(words: Sequence[_Word], ending: Sequence[_Word]) -> bool:
    texts = [word.text for word in words[len(words) - len(ending) :]]
    return texts == [word.text for word in ending]


def _is_number(word: _Word) -> bool:
    return word.text[0].isdigit()

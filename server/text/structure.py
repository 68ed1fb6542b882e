"""A document as blocks and sentences, with exact offsets into the caller's own text.

`split` loses nothing: every character that is not white space is in exactly one of a sentence, a
block without sentences (code, a row of a table) and a mark (`# `, `- `, `> `, a tag, the head of a
letter). Offsets count code points. It takes time in proportion to the text: 0.2 s for a million
characters of prose, and less than 4 s for a million of the worst, a quarter of a million blocks.

There is an older splitter in model/: the targets that the embedded model was trained on and the
figures of docs/evaluation.md were made with it, so it stays as it was. It knows no blocks and no
offsets, and ends a sentence at every line break.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from server.text.blocks import Block, BlockKind, find_blocks
from server.text.sentence_ends import sentence_spans

LONGEST_SENTENCE = 1_000
"""In characters. A longer one, such as speech written down without stops, is cut into pieces."""

_STRETCH = re.compile(r"\S+")
_SUMMARY_WORTHY = frozenset(
    {BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.QUOTE, BlockKind.TURN}
)


class Sentence(NamedTuple):
    """One sentence: document[start:end] begins and ends with something to see.

    `block` counts blocks from 0. `is_piece` says that it is a part of a sentence that was too long.
    """

    start: int
    end: int
    block: int
    kind: BlockKind
    is_piece: bool = False

    @property
    def is_worthy(self) -> bool:
        """Whether a summary may quote it; headings are for orientation."""
        return self.kind in _SUMMARY_WORTHY


@dataclass(frozen=True)
class Structure:
    """What a document consists of, all in order."""

    document: str
    blocks: list[Block]
    sentences: list[Sentence]
    marks: list[tuple[int, int]]
    _text: str

    def read(self, sentence: Sentence) -> str:
        """The sentence as a reader sees it, on one line.

        Without the marks inside it, such as the `> ` of a quote in two lines.
        """
        return " ".join(text for _, text in self.stretches(sentence))

    def stretches(self, sentence: Sentence) -> Iterator[tuple[int, str]]:
        """The same between white space, each stretch with where it starts in the document."""
        found = _STRETCH.finditer(self._text, sentence.start, sentence.end)
        return ((stretch.start(), stretch[0]) for stretch in found)


def split(document: str) -> Structure:
    """Divides a document into blocks, and the blocks of prose into sentences."""
    found = find_blocks(document)
    sentences = [
        sentence
        for number, block in enumerate(found.blocks)
        if block.kind.has_sentences
        for sentence in _sentences(found.text, number, block)
    ]
    taken = [(each.start, each.end) for each in sentences]
    taken += [block[1:] for block in found.blocks if not block.kind.has_sentences]
    marks = list(_outside(found.marks, sorted(taken)))
    return Structure(document, found.blocks, sentences, marks, found.text)


def _sentences(text: str, number: int, block: Block) -> Iterator[Sentence]:
    for start, end in sentence_spans(text, block.start, block.end):
        pieces = list(_pieces(text, start, end))
        for begin, stop in pieces:
            yield Sentence(begin, stop, number, block.kind, len(pieces) > 1)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cuts at the last white space or comma that keeps a piece within the limit, else at the limit.

    A cut never comes between a character and the marks that combine with it.
    """
    while end - start > LONGEST_SENTENCE:
        limit = start + LONGEST_SENTENCE
        cut = limit
        while cut > start and not text[cut].isspace() and text[cut - 1] not in "，、；,;":
            cut -= 1
        if cut == start:
            cut = limit
            while cut > limit - 32 and _combines(text, cut):
                cut -= 1
        stop = cut
        while text[stop - 1].isspace():
            stop -= 1
        yield start, stop
        start = cut
        while text[start].isspace():
            start += 1
    yield start, end


def _combines(text: str, place: int) -> bool:
    """Whether the character here belongs to the one before, as accents and parts of emoji do."""
    return (
        unicodedata.category(text[place])[0] == "M"
        or "\U0001f3fb" <= text[place] <= "\U0001f3ff"
        or "\u200d" in text[place - 1 : place + 1]
    )


def _outside(
    marks: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """What of the marks is inside nothing that is taken: those inside a sentence are part of it."""
    for start, end in marks:
        after = bisect_right(taken, (start, start))
        if after and taken[after - 1][1] > start:
            start = taken[after - 1][1]
        while start < end:
            if after == len(taken) or taken[after][0] >= end:
                yield start, end
                break
            if taken[after][0] > start:
                yield start, taken[after][0]
            start = taken[after][1]
            after += 1

"""A long document in windows: stretches of whole sentences that each fit the model.

`fitted` first cuts what is too long for any window by itself; `windows` then divides by counts
alone. Both take time in proportion to the number of sentences and tokens.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from server.text.blocks import BlockKind
from server.text.structure import Sentence


class Window(NamedTuple):
    """sentences[first:stop], which is where document[start:end] is.

    The stretch may hold code and tables besides, which no token count covers: what fits the model
    is the sentences, joined by spaces.
    """

    start: int
    end: int
    first: int
    stop: int


class _Break(IntEnum):
    """How good a place between two sentences is to divide the document."""

    AFTER_HEADING = 0
    SENTENCE = 1
    BLOCK = 2
    HEADING = 3


def windows(sentences: Sequence[Sentence], token_counts: Sequence[int], room: int) -> list[Window]:
    """Divides a document, from its first sentence to its last, without overlap.

    Each window has at most `room` tokens, and no sentence may have more. While more than one window
    remains, the next one has about an even share of the rest: between two thirds and four thirds
    of it, where it ends at the best place there is, before a heading, else before a block, else
    before a sentence, never right after a heading; of equal places the one nearest to the share.
    So no window, the last one included, is tiny: each holds at least a third of `room`, unless
    sentences are so long that there is no place to divide within the bounds.
    """
    if len(sentences) != len(token_counts):
        raise ValueError(f"{len(token_counts)} token counts for {len(sentences)} sentences")
    longest = max(token_counts, default=0)
    if longest > room:
        raise ValueError(f"a sentence has {longest} tokens, more than the room of {room}")
    found: list[Window] = []
    rest = sum(token_counts)
    first = 0
    while first < len(sentences):
        stop = len(sentences) if rest <= room else _stop(sentences, token_counts, room, first, rest)
        found.append(Window(sentences[first].start, sentences[stop - 1].end, first, stop))
        rest -= sum(token_counts[first:stop])
        first = stop
    return found


def _stop(
    sentences: Sequence[Sentence], token_counts: Sequence[int], room: int, first: int, rest: int
) -> int:
    """Where the window that begins with sentence `first` ends; `rest` is more than `room`."""
    pieces = -(-rest // room)
    best, best_value = first + 1, (-1, 0)
    tokens = 0
    for place in range(first, len(sentences) - 1):
        tokens += token_counts[place]
        if tokens > room:
            break
        # All times 3 * pieces, so that the share and its bounds are whole numbers.
        off = abs(3 * pieces * tokens - 3 * rest)
        is_within = off <= rest
        kind = _break_before(sentences, place + 1) if is_within else _Break.AFTER_HEADING
        # Out of bounds the nearest place is best, and any place within them is better.
        value = (kind + 1 if is_within else 0, -off)
        if value > best_value:
            best, best_value = place + 1, value
    return best


def _break_before(sentences: Sequence[Sentence], place: int) -> _Break:
    before, after = sentences[place - 1], sentences[place]
    if before.kind is BlockKind.HEADING:
        return _Break.AFTER_HEADING
    if after.kind is BlockKind.HEADING:
        return _Break.HEADING
    return _Break.BLOCK if after.block != before.block else _Break.SENTENCE


def fitted(
    document: str, sentences: Sequence[Sentence], count: Callable[[str], int], room: int
) -> tuple[list[Sentence], list[int]]:
    """The sentences with their token counts, those of more than `room` tokens cut into pieces.

    A sentence is cut in two at the white space nearest to its middle (the earlier one of two; in
    the middle itself if there is none), and each half again until all fit. `count` is asked for the
    tokens of document[start:end] alone: it should count the space before a sentence too, if the
    tokenizer does.
    """
    whole: list[Sentence] = []
    counts: list[int] = []
    waiting = list(reversed(sentences))
    while waiting:
        sentence = waiting.pop()
        tokens = count(document[sentence.start : sentence.end])
        if tokens <= room:
            whole.append(sentence)
            counts.append(tokens)
            continue
        if sentence.end - sentence.start == 1:
            raise ValueError(f"one character has {tokens} tokens, more than the room of {room}")
        waiting += reversed(_halves(document, sentence))
    return whole, counts


def _halves(document: str, sentence: Sentence) -> tuple[Sentence, Sentence]:
    start, end, *_ = sentence
    middle = (start + end) // 2
    for distance in range(middle - start):
        for place in (middle - distance, middle + distance):
            if start < place < end and document[place].isspace():
                return _cut(document, sentence, place)
    return _cut(document, sentence, middle)


def _cut(document: str, sentence: Sentence, place: int) -> tuple[Sentence, Sentence]:
    """Two pieces, without the white space around the cut."""
    end = begin = place
    while document[end - 1].isspace():
        end -= 1
    while document[begin].isspace():
        begin += 1
    return (
        sentence._replace(end=end, is_piece=True),
        sentence._replace(start=begin, is_piece=True),
    )

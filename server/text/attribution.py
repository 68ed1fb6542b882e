"""Where a summary came from: from what the copy head looked at to stretches of the document.

For each token of a summary the copy head tells the one token of the document that it looked at
most, and its gate: how much of the choice was copied, 0 to 1. All here follows from these two and
from the texts, and says no more than they do.

A part is a word or a sentence of the summary. Words are those of bundle/words.py, without the
punctuation around them; of Han characters, those of one token are a word. The weight of a stretch
of the document is the sum of the gates of those tokens of the part that looked there, over the
number of the part's tokens. So the weights of a part sum to at most 1, and what is missing was not
copied. They are rounded down to thousandths, since in another batch a gate differs by far less.

- A part is laid over the document so that one of its tokens stands where that token looked. If the
  same letters stand there, and the words at both ends go no further, the part is COPIED, and its
  span is exactly that stretch. A sentence may be copied from a part of one, or run over several.
- A token that looked elsewhere has as its span the word, or the sentence, of the document there,
  unless that is the place of the copy, with which it counts. Words with only white space between
  them are one span. For a sentence at most three spans are given.
- Any other part is GENERATED, or GIVEN if all its tokens are of the prefix: that has no span.

COPIED is said of the texts alone, so that everybody can check it. A short word may stand where the
copy head looked even though its weight is small. The stretch that a part is COPIED from comes
first, and the others follow in order of weight.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import NamedTuple

from bundle.normalise import Normalised
from bundle.words import Kind, inner, is_inner, segments
from server.text.sentence_ends import sentence_spans
from server.types import Attribution, AttributionKind, SourceSpan, TextSpan

_MOST_SENTENCES = 3
_PARTS_OF_ONE = 1000
# Lifts a product that an error of rounding left just below a whole number.
_ROUNDING = 1e-6
# Between two letters or digits these are inside a word or a number: U.S, 3,000, 12:30, don't.
_JOINING = frozenset(".,:'\u2019")


class Piece(NamedTuple):
    """What one token adds to a summary, and where it came from."""

    # Without white space at its ends, and never empty.
    span: TextSpan
    # Where the token that the copy head looked at stands in the document's normalised text; None
    # where it stands for no text of the document, such as the token of a style.
    place: TextSpan | None
    # None for a token that was forced.
    gate: float | None


@dataclass(frozen=True, slots=True)
class Source:
    """A document, or a window of one, as the model read it."""

    normalised: Normalised
    # Where the window starts in the document.
    offset: int
    # Where each token that the encoder read stands in the normalised text, as `Piece.place` is.
    tokens: Sequence[TextSpan | None]
    # Of the normalised text; None where words are traced.
    sentences: Sequence[TextSpan] | None


def attribute(
    summary: str,
    pieces: Sequence[Piece],
    source: Source,
    *,
    sentences: Sequence[TextSpan] | None = None,
) -> list[Attribution]:
    """Traces each sentence of a summary to its source, or each word, in order.

    The sentences may be given, where not all of them are wanted.
    """
    starts = [piece.span.start for piece in pieces]
    ends = [piece.span.end for piece in pieces]
    theirs, most = source.sentences, None
    if theirs is None:
        parts = words(summary, starts)
        theirs = words(source.normalised.text, [each.start for each in source.tokens if each])
    else:
        spans = sentence_spans(summary, 0, len(summary)) if sentences is None else sentences
        parts = [TextSpan(*span) for span in spans]
        most = _MOST_SENTENCES
    tracer = _Tracer(summary, source.normalised.text, theirs)
    found = []
    for part in parts:
        own = pieces[bisect_right(ends, part.start) : bisect_left(starts, part.end)]
        copied, others = tracer.trace(part, own)
        if source.sentences is None:
            others = _with_neighbours_joined(others, source.normalised.text)
        weighed = [
            *_weighed(copied, len(own)),
            *(each for each in _weighed(others, len(own)) if each.weight > 0),
        ]
        in_document = tuple(_in_document(each, source) for each in weighed[:most])
        found.append(Attribution(part, in_document, _kind(own, is_copied=bool(copied))))
    return found


def words(text: str, cuts: Sequence[int]) -> list[TextSpan]:
    """The words of a text; Han characters divide at the cuts, which are in order."""
    found: list[TextSpan] = []
    place = 0
    for kind, stretch in segments(text):
        end = place + len(stretch)
        if kind is Kind.HAN:
            inside = set(cuts[bisect_right(cuts, place) : bisect_left(cuts, end)])
            edges = [place, *sorted(inside), end]
            found += map(TextSpan, edges, edges[1:])
        elif kind is Kind.OTHER:
            first, last = inner(stretch)
            if last:
                found.append(TextSpan(place + first, place + last))
        place = end
    return found


_Gates = Mapping[TextSpan, float]
"""Stretches of the source's normalised text, with the sum of the gates of what looked there."""


class _Tracer:
    """Traces parts of a summary to a source of which the words, or the sentences, are known."""

    def __init__(self, summary: str, text: str, theirs: Sequence[TextSpan]) -> None:
        self._summary = summary
        self._text = text
        self._theirs = theirs
        self._ends = [each.end for each in theirs]

    def trace(self, part: TextSpan, pieces: Sequence[Piece]) -> tuple[_Gates, _Gates]:
        """Where a part stands, and what else was looked at."""
        copied: defaultdict[TextSpan, float] = defaultdict(float)
        others: defaultdict[TextSpan, float] = defaultdict(float)
        elsewhere: list[tuple[TextSpan, float]] = []
        for piece in pieces:
            if piece.place is None or piece.gate is None:
                continue
            if laid := self._laid_over(part, piece.span, piece.place):
                copied[laid] += piece.gate
            else:
                elsewhere.append((self._around(piece.place), piece.gate))
        for stretch, gate in elsewhere:
            if copy := next((each for each in copied if _overlap(each, stretch)), None):
                copied[copy] += gate
            else:
                others[stretch] += gate
        return copied, others

    def _laid_over(self, part: TextSpan, piece: TextSpan, place: TextSpan) -> TextSpan | None:
        """Where the part stands in the source if a piece of it stands at a place."""
        start = place.start - (piece.start - part.start)
        laid = TextSpan(start, start + part.end - part.start)
        is_there = (
            start >= 0
            and _overlap(laid, place)
            and self._text[start : laid.end] == self._summary[part.start : part.end]
        )
        return laid if is_there and _is_whole(self._text, laid) else None

    def _around(self, place: TextSpan) -> TextSpan:
        """The word or sentence that a place is in; for punctuation between them, itself."""
        first = bisect_right(self._ends, place.start)
        if first < len(self._theirs) and self._theirs[first].start < place.end:
            return self._theirs[first]
        return place


def _with_neighbours_joined(gates: _Gates, text: str) -> _Gates:
    joined: dict[TextSpan, float] = {}
    last: TextSpan | None = None
    for span in sorted(gates):
        gate = gates[span]
        if last is not None and not text[last.end : span.start].strip():
            gate += joined.pop(last)
            span = TextSpan(last.start, max(last.end, span.end))
        joined[span] = gate
        last = span
    return joined


def _overlap(one: TextSpan, other: TextSpan) -> bool:
    return one.start < other.end and other.start < one.end


def _is_whole(text: str, span: TextSpan) -> bool:
    """Whether no word goes on beyond an end of the stretch."""
    return not (_is_inside_word(text, span.start) or _is_inside_word(text, span.end))


def _is_inside_word(text: str, place: int) -> bool:
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if after in _JOINING:
        after = text[place + 1 : place + 2]
    elif before in _JOINING and place > 1:
        before = text[place - 2]
    return _is_letter(before) and _is_letter(after)


def _is_letter(character: str) -> bool:
    """Whether it is part of a word that goes on: Han characters stand by themselves."""
    return bool(character) and is_inner(character) and segments(character)[0][0] is Kind.OTHER


def _weighed(gates: _Gates, num_tokens: int) -> list[SourceSpan]:
    spans = [
        SourceSpan(span, floor(gate / num_tokens * _PARTS_OF_ONE + _ROUNDING) / _PARTS_OF_ONE)
        for span, gate in gates.items()
    ]
    return sorted(spans, key=lambda each: (-each.weight, each.span))


def _in_document(found: SourceSpan, source: Source) -> SourceSpan:
    start, end = source.normalised.origin(*found.span)
    return SourceSpan(TextSpan(source.offset + start, source.offset + end), found.weight)


def _kind(pieces: Sequence[Piece], *, is_copied: bool) -> AttributionKind:
    if is_copied:
        return AttributionKind.COPIED
    is_given = bool(pieces) and all(piece.gate is None for piece in pieces)
    return AttributionKind.GIVEN if is_given else AttributionKind.GENERATED

"""Offsets in the unit that a caller counts in."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from server.types import Attribution, OffsetUnit, SourceSpan, Summary, SummarySentence, TextSpan


def in_unit(summary: Summary, unit: OffsetUnit, document: str) -> Summary:
    """A summary whose offsets are code points, with its offsets in another unit."""
    if unit is OffsetUnit.CODE_POINT:
        return summary
    traced, sentences = summary.attributions, summary.sentences
    own = _mover(
        summary.text,
        unit,
        [*(each.summary_span for each in traced), *(each.span for each in sentences)],
    )
    theirs = _mover(
        document,
        unit,
        [
            *(each.span for one in traced for each in one.source_spans),
            *(each.source for each in sentences if each.source is not None),
            *summary.read_spans,
        ],
    )
    return replace(
        summary,
        attributions=[
            Attribution(
                own(each.summary_span),
                tuple(SourceSpan(theirs(span), weight) for span, weight in each.source_spans),
                each.kind,
            )
            for each in traced
        ],
        sentences=[
            SummarySentence(
                own(each.span),
                None if each.source is None else theirs(each.source),
                each.score,
            )
            for each in sentences
        ],
        read_spans=[theirs(span) for span in summary.read_spans],
    )


def _mover(
    text: str, unit: OffsetUnit, spans: Iterable[TextSpan]
) -> Callable[[TextSpan], TextSpan]:
    """Moves these spans; every character is looked at once."""
    found: dict[int, int] = {}
    place = offset = 0
    for edge in sorted({edge for span in spans for edge in span}):
        offset += _size(text[place:edge], unit)
        found[edge], place = offset, edge
    return lambda span: TextSpan(found[span.start], found[span.end])


def _size(text: str, unit: OffsetUnit) -> int:
    if unit is OffsetUnit.BYTE:
        return len(text.encode())
    return len(text.encode("utf-16-le")) // 2

"""Offsets in code points, UTF-16 code units and bytes name the same characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.text.offset_units import in_unit
from server.types import (
    Attribution,
    AttributionKind,
    OffsetUnit,
    SourceSpan,
    SummarySentence,
    TextSpan,
)
from tests.server.rpc.fakes import make_summary

SUMMARY, DOCUMENT = "a\U0001f600 e\u0301 中", "中 \U0001f469\u200d\U0001f680 e\u0301 \U0001f600b"
CUT = {
    OffsetUnit.CODE_POINT: lambda text, span: text[slice(*span)],
    OffsetUnit.UTF16: lambda text, span: text.encode("utf-16-le")[
        2 * span.start : 2 * span.end
    ].decode("utf-16-le"),
    OffsetUnit.BYTE: lambda text, span: text.encode()[slice(*span)].decode(),
}


def between(text: str) -> st.SearchStrategy[TextSpan]:
    places = st.integers(0, len(text))
    return st.tuples(places, places).map(lambda pair: TextSpan(*sorted(pair)))


@pytest.mark.parametrize("unit", OffsetUnit)
@given(own=between(SUMMARY), spans=st.lists(between(DOCUMENT), max_size=3))
def test_they_cut_the_same_text_from_both(
    unit: OffsetUnit, own: TextSpan, spans: list[TextSpan]
) -> None:
    found = Attribution(own, tuple(SourceSpan(each, 0.5) for each in spans), AttributionKind.COPIED)
    quoted = [SummarySentence(own, each, 0.5) for each in (None, *spans)]
    summary = make_summary(
        text=SUMMARY, attributions=[found], sentences=quoted, read_spans=tuple(spans)
    )
    told = in_unit(summary, unit, DOCUMENT)
    (moved,) = told.attributions
    assert CUT[unit](SUMMARY, moved.summary_span) == SUMMARY[slice(*own)]
    cut = [CUT[unit](DOCUMENT, each.span) for each in moved.source_spans]
    assert cut == [DOCUMENT[slice(*each)] for each in spans]
    assert [each.weight for each in moved.source_spans] == [0.5] * len(spans)
    assert moved.kind is AttributionKind.COPIED
    assert list(told.read_spans) == [each.span for each in moved.source_spans]
    assert [each.source for each in told.sentences] == [None, *told.read_spans]
    assert {each.span for each in told.sentences} == {moved.summary_span}

"""A document is prepared so that its summary can be traced back to it, to the character."""

from bisect import bisect_right
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bundle.manifest import Style
from bundle.normalise import normalise
from server.decoding.strategy import Look
from server.jobs.attributing import attributions, own_attributions, source_of
from server.text.attribution import Source, words
from server.types import AttributionKind, AttributionLevel, TextSpan
from tests.server.factories import BUNDLE

TOKENIZER = BUNDLE.tokenizer
STYLE = BUNDLE.manifest.styles[0]
BEFORE = "An earlier window."
_WORDS = [
    "rain",
    "in",
    "May",
    "U.S.",
    "(3,000)",
    "e\u0301te\u0301",
    "\U0001f600",
    "河水",
    "中",
    "a-b",
]
_GAPS = [" ", "  ", "\n\n", "\t", "\ufeff ", ", ", "。", "\r\n"]
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(_WORDS) | st.text(max_size=6), st.sampled_from(_GAPS)), max_size=20
).map(lambda pairs: "".join(word + gap for word, gap in pairs))


def prepared(document: str, level: AttributionLevel, style: Style = STYLE) -> Source:
    return source_of(document, len(BEFORE), style, TOKENIZER, level)


def place_of(source: Source, character: int) -> int:
    """The token of the source that a character of its normalised text belongs to."""
    starts = [-1 if span is None else span.start for span in source.tokens]
    return max(place for place, start in enumerate(starts) if 0 <= start <= character)


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS, st.data())
def test_every_word_that_is_copied_from_a_document_leads_back_to_exactly_itself(
    document: str, data: st.DataObject
) -> None:
    source = prepared(document, AttributionLevel.WORD)
    text = source.normalised.text
    token_starts = [span.start for span in source.tokens if span]
    # A word in the middle of a token, as in "'re", has no place that the copy head could look at.
    there = [word for word in words(text, token_starts) if word.start in token_starts]
    assume(there)
    chosen = data.draw(st.lists(st.sampled_from(there), min_size=1, max_size=5))
    summary = " ".join(text[slice(*word)] for word in chosen)
    tokens = TOKENIZER.encode(summary)
    starts = [0]
    for word in chosen[:-1]:
        starts.append(starts[-1] + word.end - word.start + 1)
    looks = []
    for start, end in TOKENIZER.spans_of(tokens):
        visible = start + len(summary[start:end]) - len(summary[start:end].lstrip())
        number = bisect_right(starts, visible) - 1
        offset = chosen[number].start + min(visible - starts[number], end - 1)
        looks.append(Look(place_of(source, offset), 0.5))

    found = attributions(summary, tokens, looks, source, TOKENIZER)

    whole = BEFORE + document
    copied = [each for each in found if each.kind is AttributionKind.COPIED]
    for each in copied:
        (start, end), _ = each.source_spans[0]
        assert start >= len(BEFORE)
        assert normalise(whole[start:end]) == summary[slice(*each.summary_span)]
    # Han characters may divide otherwise in a summary, and then stand elsewhere in the document.
    if not any("\u3400" <= character <= "\u9fff" for character in summary):
        assert len(copied) == len(found) == len(chosen)


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS, st.sampled_from(AttributionLevel), st.integers(1, 40))
def test_a_document_that_is_its_own_summary_is_copied_whole(
    document: str, level: AttributionLevel, num_tokens: int
) -> None:
    text = normalise(document)
    assume(text)
    source = prepared(document, level)
    whole = BEFORE + document
    for each in own_attributions(text, source):
        assert each.kind is AttributionKind.COPIED
        ((span, weight),) = each.source_spans
        assert weight == 1
        assert normalise(whole[slice(*span)]) == text[slice(*each.summary_span)]

    cut = TOKENIZER.decode(TOKENIZER.encode(text)[:num_tokens]).strip()
    assert all(each.kind is AttributionKind.COPIED for each in own_attributions(cut, source)[:-1])


@pytest.mark.parametrize("prefix_text", [None, "summarize: ", "summarize"])
def test_what_a_style_puts_round_a_document_is_no_place_in_it(prefix_text: str | None) -> None:
    style = replace(STYLE, prefix_ids=(4, 5), suffix_ids=(1,), prefix_text=prefix_text)
    source = prepared("Rain in May", AttributionLevel.WORD, style)
    ids = [4, 5, *TOKENIZER.encode((prefix_text or "") + "Rain in May"), 1]
    assert len(source.tokens) == len(ids)
    shown = ["" if span is None else "Rain in May"[slice(*span)] for span in source.tokens]
    assert (shown[:2], shown[-1]) == (["", ""], "")
    assert "".join(shown) == "RaininMay"


def test_sentences_are_those_of_the_blocks_of_a_document_and_code_is_one() -> None:
    document = "# Rain\n\nIt rained. It\npoured.\n\n```\nrain()\n```\n"
    source = prepared(document, AttributionLevel.SENTENCE)
    assert source.sentences is not None
    shown = [source.normalised.text[slice(*span)] for span in source.sentences]
    assert shown == ["Rain", "It rained.", "It poured.", "``` rain() ```"]


def test_words_need_no_sentences() -> None:
    assert prepared("One. Two.", AttributionLevel.WORD).sentences is None


def test_white_space_that_a_summary_loses_at_its_beginning_moves_nothing() -> None:
    source = prepared("some rain", AttributionLevel.WORD)
    tokens = TOKENIZER.encode(" rain")
    looks = [Look(place_of(source, 5), 1.0)] * len(tokens)
    (found,) = attributions("rain", tokens, looks, source, TOKENIZER)
    assert found.summary_span == TextSpan(0, 4)
    assert found.kind is AttributionKind.COPIED

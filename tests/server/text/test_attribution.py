"""From what the copy head looked at to stretches of the document."""

import re

import pytest

from bundle.normalise import normalised
from server.text.attribution import Piece, Source, attribute, words
from server.text.sentence_ends import sentence_spans
from server.types import Attribution, AttributionKind, TextSpan

COPIED, GENERATED, GIVEN = AttributionKind.COPIED, AttributionKind.GENERATED, AttributionKind.GIVEN
DOCUMENT = (
    "The river rose by 3,000 mm in May. Its bridge, a state-of-the-art span, fell on 5 May! "
    "No one was hurt. 河水上涨了。"
)


def spans_of_tokens(text: str) -> list[TextSpan]:
    """Each run of letters or digits is a token here, and each other sign."""
    return [TextSpan(*match.span()) for match in re.finditer(r"[^\W_]+|\S", text)]


def source(document: str = DOCUMENT, *, offset: int = 0, by_sentence: bool = False) -> Source:
    found = normalised(document)
    spans = sentence_spans(found.text, 0, len(found.text))
    sentences = [TextSpan(*span) for span in spans] if by_sentence else None
    return Source(found, offset, spans_of_tokens(found.text), sentences)


def pieces(summary: str, *looks: tuple[str, float] | None, document: str = DOCUMENT) -> list[Piece]:
    """A piece for each token of a summary: what it looked at, by its first occurrence, and gate."""
    tokens = spans_of_tokens(summary)
    assert len(tokens) == len(looks)
    found = []
    for span, look in zip(tokens, looks, strict=True):
        if look is None:
            found.append(Piece(span, None, None))
            continue
        text, gate = look
        start = document.index(text)
        found.append(Piece(span, TextSpan(start, start + len(text)) if text else None, gate))
    return found


def shown(
    attribution: Attribution, summary: str, document: str = DOCUMENT
) -> tuple[str, AttributionKind, dict[str, float]]:
    """The same with the texts in place of their spans."""
    places = {document[slice(*span)]: weight for span, weight in attribution.source_spans}
    return summary[slice(*attribution.summary_span)], attribution.kind, places


def traced(
    summary: str, *looks: tuple[str, float] | None, by_sentence: bool = False
) -> list[tuple[str, AttributionKind, dict[str, float]]]:
    found = attribute(summary, pieces(summary, *looks), source(by_sentence=by_sentence))
    return [shown(each, summary) for each in found]


def test_a_word_that_stands_where_it_was_looked_for_is_copied_and_has_exactly_that_place() -> None:
    assert traced("(bridge)", ("No", 0.1), ("bridge", 0.75), (",", 0.3)) == [
        ("bridge", COPIED, {"bridge": 0.75})
    ]


def test_a_word_that_does_not_stand_there_is_generated_and_has_the_words_there() -> None:
    assert traced("Rivers", ("river", 0.5)) == [("Rivers", GENERATED, {"river": 0.5})]
    assert traced("its", ("Its", 0.5)) == [("its", GENERATED, {"Its": 0.5})]
    assert traced("modern", ("art", 0.5)) == [("modern", GENERATED, {"state-of-the-art": 0.5})]


@pytest.mark.parametrize(
    ("word", "looked_at", "is_copied"),
    [
        ("3", "3", False),  # of 3,000
        ("000", "000", False),
        ("5", "5", True),
        ("art", "art", True),  # a part of a compound stands by itself
        ("one", "one", True),
    ],
)
def test_a_piece_of_a_number_is_no_number(word: str, looked_at: str, is_copied: bool) -> None:
    ((_, kind, _),) = traced(word, (looked_at, 0.9))
    assert (kind is COPIED) == is_copied


def test_a_word_of_several_tokens_is_copied_once_and_all_of_them_count() -> None:
    looks = (("state", 0.9), ("-", 0.8), ("river", 0.4), ("the", 0.7))
    assert traced("state-of-the", looks[0], looks[1], ("of", 0.6), looks[1], looks[3]) == [
        ("state-of-the", COPIED, {"state-of-the": 0.76})
    ]


def test_weights_are_shares_of_the_tokens_and_neighbouring_words_are_one_place() -> None:
    assert traced(
        "fell-over-May", ("fell", 0.8), ("on", 0.4), ("5", 0.6), ("", 0.9), ("No", 1)
    ) == [("fell-over-May", GENERATED, {"fell on 5": 0.36, "No": 0.2})]


def test_the_place_that_a_word_is_copied_from_comes_first_however_small_its_weight() -> None:
    ((_, kind, places),) = traced("bridge-fell", ("bridge", 0.1), ("river", 0.2), ("fell", 0.9))
    assert (kind, places) == (GENERATED, {"fell": 0.3, "river": 0.066, "bridge": 0.033})
    document = "by the bridge-fell, the river"
    text = "bridge-fell"
    found = attribute(
        text,
        pieces(text, ("bridge", 0.1), ("river", 0.5), ("river", 0.5), document=document),
        source(document),
    )
    (attribution,) = found
    assert shown(attribution, text, document) == (
        text,
        COPIED,
        {"bridge-fell": 0.033, "river": 0.333},
    )


def test_what_was_hardly_looked_at_is_left_out_unless_the_word_stands_there() -> None:
    assert traced("rains", ("river", 0.0009)) == [("rains", GENERATED, {})]
    assert traced("river", ("river", 0.0)) == [("river", COPIED, {"river": 0.0})]


def test_what_the_caller_gave_has_no_place() -> None:
    assert traced("The river", None, ("river", 0.5)) == [
        ("The", GIVEN, {}),
        ("river", COPIED, {"river": 0.5}),
    ]


def test_of_han_characters_those_of_a_token_are_a_word() -> None:
    document = "河水上涨了。"
    tokens = [TextSpan(0, 2), TextSpan(2, 4), TextSpan(4, 5), TextSpan(5, 6)]
    found = Source(normalised(document), 0, tokens, None)
    summary = [
        Piece(TextSpan(0, 2), tokens[1], 0.5),
        Piece(TextSpan(2, 3), tokens[2], 0.5),
        Piece(TextSpan(3, 5), tokens[0], 0.5),
    ]
    text = "上涨了大水"
    attributions = [shown(each, text, document) for each in attribute(text, summary, found)]
    assert attributions == [
        ("上涨", COPIED, {"上涨": 0.5}),
        ("了", COPIED, {"了": 0.5}),
        ("大水", GENERATED, {"河水": 0.5}),
    ]


def test_offsets_are_those_of_the_document_before_it_was_normalised() -> None:
    document = "x" * 10 + "\ufeff  The\r\n\r\nCafe\u0301  rose."
    (attribution,) = attribute(
        "Caf\xe9",
        [Piece(TextSpan(0, 4), TextSpan(4, 8), 1.0)],
        source(document[10:], offset=10),
    )
    ((span, weight),) = attribution.source_spans
    assert (document[slice(*span)], weight) == ("Cafe\u0301", 1.0)


def test_a_sentence_rests_on_the_three_sentences_that_most_was_copied_from() -> None:
    summary = "Rain fell. Nobody died."
    found = traced(
        summary,
        ("river", 0.5),
        ("fell", 0.75),
        ("!", 0.1),
        ("hurt", 0.5),
        ("", 0.5),
        None,
        by_sentence=True,
    )
    first, second, third, _ = (
        DOCUMENT[slice(*span)] for span in sentence_spans(DOCUMENT, 0, len(DOCUMENT))
    )
    assert found == [
        ("Rain fell.", GENERATED, {second: 0.283, first: 0.166}),
        ("Nobody died.", GENERATED, {third: 0.166}),
    ]


def test_at_most_three_sentences_are_named() -> None:
    document = "One p. Two q. Three x. Four y. Five z."
    looks = [(each, 0.5 + 0.1 * number) for number, each in enumerate("pqxyz")]
    summary = "v w x y z"
    found = attribute(
        summary, pieces(summary, *looks, document=document), source(document, by_sentence=True)
    )
    ((_, _, places),) = [shown(each, summary, document) for each in found]
    assert places == {"Five z.": 0.18, "Four y.": 0.16, "Three x.": 0.14}


@pytest.mark.parametrize(
    ("summary", "kind", "first"),
    [
        ("No one was hurt.", COPIED, "No one was hurt."),
        ("one was hurt.", COPIED, "one was hurt."),
        ("ne was hurt.", GENERATED, "No one was hurt."),
        ("No one was hurt", COPIED, "No one was hurt"),
    ],
)
def test_a_sentence_is_copied_if_it_stands_whole_in_one_that_it_looked_at(
    summary: str, kind: AttributionKind, first: str
) -> None:
    looks = [("hurt", 0.5)] * len(spans_of_tokens(summary))
    assert traced(summary, *looks, by_sentence=True) == [(summary, kind, {first: 0.5})]


def test_a_document_of_no_sentences_can_be_asked_for_them() -> None:
    found = Source(normalised("---"), 0, [TextSpan(0, 3)], [])
    (attribution,) = attribute("Rain", [Piece(TextSpan(0, 4), TextSpan(0, 3), 0.5)], found)
    assert shown(attribution, "Rain", "---") == ("Rain", GENERATED, {"---": 0.5})


def test_the_words_of_a_text_have_no_punctuation_at_their_ends() -> None:
    text = "(U.S. exports, 5.1%) “rose” — 河水 ..."
    found = [text[slice(*span)] for span in words(text, [text.index("水")])]
    assert found == ["U.S", "exports", "5.1", "rose", "河", "水"]

"""How a document is read: whole, in part, part by part, or for its sentences."""

import pytest

from bundle.normalise import normalise
from server.errors import InvalidRequest
from server.jobs.job import Job, admit
from server.jobs.reading import Reading, read
from server.types import AttributionLevel, Length, LongDocuments, ReadingWay, TextSpan
from tests.server.factories import BUNDLE, make_model, make_request
from tests.server.service_harness import CHINESE, ENGLISH

GARDEN = "Apples and pears grow in the old garden behind the mill near the river."
SHIPS = "Large ships carry coal and iron from the northern harbour to the capital."
BREAD = "Bakers sell fresh bread and warm cakes on the market square each morning."
DOCUMENT = f"{GARDEN} {SHIPS} {BREAD}"
CODE = "```\n" + "x = compute(y) + 1\n" * 40 + "```\n"


def job_of(document: str, *, room: int = 1022, **changes: object) -> Job:
    model = make_model(max_source_tokens=room, min_source_tokens=4)
    request = make_request(document, **changes)  # type: ignore[arg-type]
    return admit(request, lambda *_: model, draw_seed=lambda: 0)


def reading_of(document: str, *, room: int = 1022, **changes: object) -> Reading:
    return read(job_of(document, room=room, **changes), BUNDLE.tokenizer)


def text_of(reading: Reading) -> str:
    """What the model reads, of all windows."""
    return " ".join(BUNDLE.tokenizer.decode(window.ids).strip() for window in reading.windows)


@pytest.mark.parametrize("policy", LongDocuments)
def test_a_document_that_fits_is_read_whole_whatever_the_policy(policy: LongDocuments) -> None:
    reading = reading_of(DOCUMENT, long_documents=policy)
    assert reading.way is ReadingWay.WHOLE
    assert text_of(reading) == DOCUMENT
    (window,) = reading.windows
    assert window.spans == (TextSpan(0, len(DOCUMENT)),)
    assert reading.dropped_tokens == 0


def test_a_document_that_is_too_long_can_be_refused_with_a_way_on() -> None:
    with pytest.raises(InvalidRequest, match=r"has \d+ tokens, at most 20 are read .* split it"):
        reading_of(DOCUMENT, room=20, long_documents=LongDocuments.REFUSE)


@pytest.mark.parametrize("document", [ENGLISH, CHINESE, "  \n " + DOCUMENT])
def test_the_beginning_is_what_fits_and_the_rest_is_counted(document: str) -> None:
    reading = reading_of(document, room=20, long_documents=LongDocuments.TRUNCATE)
    assert reading.way is ReadingWay.TRUNCATED
    (window,) = reading.windows
    (span,) = window.spans
    assert span.start == 0
    assert len(window.ids) == 22  # with the style's token and the end token
    assert normalise(document[: span.end]).startswith(text_of(reading)[:10])
    whole = BUNDLE.tokenizer.encode(normalise(document))
    assert reading.dropped_tokens == len(whole) - 20


@pytest.mark.parametrize("document", [ENGLISH * 2, CHINESE * 2, DOCUMENT * 3])
@pytest.mark.parametrize("room", [40, 100])
def test_key_sentences_fill_the_room_in_the_order_of_the_document(document: str, room: int) -> None:
    reading = reading_of(document, room=room, long_documents=LongDocuments.SELECT)
    assert reading.way is ReadingWay.SELECTED
    (window,) = reading.windows
    assert len(window.ids) <= room + 2
    assert list(window.spans) == sorted(window.spans, key=lambda span: span.start)
    read = " ".join(normalise(document[span.start : span.end]) for span in window.spans)
    assert text_of(reading) == read
    assert reading.dropped_tokens > 0


@pytest.mark.parametrize("document", [ENGLISH * 2, CHINESE * 2, DOCUMENT * 5])
def test_windows_cover_every_sentence_within_the_room(document: str) -> None:
    reading = reading_of(document, room=60, long_documents=LongDocuments.COVER)
    assert reading.way is ReadingWay.COVERED
    assert len(reading.windows) > 1
    assert max(len(window.ids) for window in reading.windows) <= 62
    spans = [span for window in reading.windows for span in window.spans]
    assert [span.start for span in spans[1:]] >= [span.end for span in spans[:-1]]
    assert text_of(reading).replace(" ", "") == normalise(document).replace(" ", "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"long_documents": LongDocuments.COVER}, "long_document_policy: is COVER"),
        ({"style": "extract"}, 'style: is "extract"'),
    ],
)
def test_code_is_refused_where_sentences_are_asked_for(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequest, match=f"{field}, which chooses .* {len(CODE)} characters"):
        reading_of(CODE, room=30, **changes)


def test_code_that_fits_is_refused_by_extract_too() -> None:
    with pytest.raises(InvalidRequest, match="choose another"):
        reading_of(CODE, style="extract")


@pytest.mark.parametrize(("style", "asked"), [("detailed", "brief"), ("headline", "headline")])
def test_windows_are_put_to_the_model_in_no_longer_a_style_than_the_default_one(
    style: str, asked: str
) -> None:
    reading = reading_of(DOCUMENT, room=20, style=style, long_documents=LongDocuments.COVER)
    expected = BUNDLE.manifest.style(asked)
    assert expected is not None
    assert [window.ids[0] for window in reading.windows] == [*expected.prefix_ids] * 3


def test_code_has_no_key_sentences_so_its_beginning_is_read() -> None:
    reading = reading_of(CODE, room=30)
    assert reading.way is ReadingWay.TRUNCATED
    assert reading.dropped_tokens > 0


SAME = " ".join(f"{GARDEN[:-1]} in year {year}." for year in range(1900, 1990))
OTHERS = " ".join(
    f"{name} {verb} {thing} {number}."
    for number in range(160)
    for name, verb, thing in [("Alice", "likes", "chess pieces of colour")]
)


def test_auto_quotes_a_document_of_one_subject_where_there_is_room() -> None:
    assert reading_of(SAME, room=60, max_tokens=200).way is ReadingWay.EXTRACTED
    assert reading_of(SAME, room=60, max_tokens=40).way is ReadingWay.SELECTED


def test_auto_covers_a_document_of_several_subjects() -> None:
    document = "\n\n".join([SAME, OTHERS])
    assert reading_of(document, room=60, max_tokens=200).way is ReadingWay.COVERED
    assert reading_of(document, room=60, max_tokens=40).way is ReadingWay.SELECTED


def test_auto_lets_the_model_write_what_must_be_one_text() -> None:
    assert reading_of(SAME, room=60, max_tokens=200, prefix="We").way is ReadingWay.SELECTED


def test_an_extract_of_a_long_document_needs_no_model() -> None:
    reading = reading_of(DOCUMENT, room=20, style="extract", length=Length(sentences=2))
    assert (reading.way, reading.windows) == (ReadingWay.EXTRACTED, ())
    assert reading.compose is not None
    composition = reading.compose([])
    assert len(composition.sentences) == 2
    for each in composition.sentences:
        assert each.source is not None
        quoted = composition.text[each.span.start : each.span.end]
        assert quoted == DOCUMENT[each.source.start : each.source.end]


def test_an_extract_of_a_document_that_fits_is_led_by_the_models_brief() -> None:
    reading = reading_of(DOCUMENT, style="extract", length=Length(sentences=1))
    assert len(reading.windows) == 1
    assert reading.compose is not None
    assert reading.compose([]).text == GARDEN
    assert reading.compose(["Large ships carry coal and iron, bakers sell."]).text == SHIPS


def test_an_extract_by_rank_has_the_best_first_and_bullets_are_lines() -> None:
    reading = reading_of(DOCUMENT, style="extract", by_rank=True, bullets=True)
    assert reading.compose is not None
    composition = reading.compose(["Large ships carry coal and iron, bakers sell."])
    first, *_ = composition.text.splitlines()
    assert first == f"- {SHIPS}"
    assert [line[:2] for line in composition.text.splitlines()] == ["- "] * 3
    scores = [each.score for each in composition.sentences]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("words", "expected"), [(1, 1), (14, 1), (28, 2), (100, 3)])
def test_an_extract_keeps_within_its_words_but_has_one_sentence(words: int, expected: int) -> None:
    reading = reading_of(DOCUMENT, style="extract", length=Length(words=words))
    assert reading.compose is not None
    assert len(reading.compose(["Apples."]).sentences) == expected


def test_chinese_sentences_are_joined_without_a_space() -> None:
    reading = reading_of(CHINESE, style="extract", length=Length(sentences=2))
    assert reading.compose is not None
    assert "。 " not in reading.compose(["注意力"]).text


@pytest.mark.parametrize("field", ["length", "by_rank", "bullets"])
def test_the_form_of_sentences_is_refused_where_the_model_writes(field: str) -> None:
    value: object = Length(words=9) if field == "length" else True
    with pytest.raises(InvalidRequest, match='only for style "extract"'):
        job_of(DOCUMENT, **{field: value})


def test_the_same_document_read_in_another_way_is_another_request() -> None:
    keys = {
        job_of(DOCUMENT, style="extract").key,
        job_of(DOCUMENT, style="extract", bullets=True).key,
        job_of(DOCUMENT, style="extract", by_rank=True).key,
        job_of(DOCUMENT, style="extract", length=Length(words=9)).key,
        job_of(DOCUMENT, style="extract", long_documents=LongDocuments.TRUNCATE).key,
    }
    assert len(keys) == 5


@pytest.mark.parametrize("document", [ENGLISH * 2, CHINESE * 2, DOCUMENT * 3])
def test_selected_sentences_lead_back_to_their_places_in_the_document(document: str) -> None:
    reading = reading_of(
        document,
        room=100,
        long_documents=LongDocuments.SELECT,
        attribution=AttributionLevel.SENTENCE,
    )
    (window,) = reading.windows
    source = window.source
    assert source is not None
    assert source.sentences is not None
    assert len(source.tokens) == len(window.ids)
    for sentence, span in zip(source.sentences, window.spans, strict=True):
        assert source.normalised.origin(*sentence) == span


def test_words_of_a_quote_that_is_read_without_its_marks_lead_back_to_their_places() -> None:
    document = "> The old garden behind the mill\n> has many apples and pears.\n\n" + DOCUMENT
    reading = reading_of(
        document, room=60, long_documents=LongDocuments.SELECT, attribution=AttributionLevel.WORD
    )
    (window,) = reading.windows
    assert window.source is not None
    found = window.source.normalised
    assert "the mill has many" in found.text
    for word in ("old", "mill", "has", "many"):
        start = found.text.index(word)
        begin = document.index(word)
        assert found.origin(start, start + len(word)) == (begin, begin + len(word))


@pytest.mark.parametrize("level", AttributionLevel)
@pytest.mark.parametrize("policy", [LongDocuments.TRUNCATE, LongDocuments.SELECT])
@pytest.mark.parametrize("room", range(20, 60))
def test_each_token_that_is_read_of_a_long_document_knows_where_it_stands(
    room: int, policy: LongDocuments, level: AttributionLevel
) -> None:
    parts = (GARDEN, "\U0001f469\u200d\U0001f680 河水上涨了，村民们离开了家园。", SHIPS, BREAD)
    mixed = "\n\n".join(parts).replace("market", "cafe\u0301s\n> in the\xa0market")
    reading = reading_of(mixed, room=room, long_documents=policy, attribution=level)
    (window,) = reading.windows
    source = window.source
    assert source is not None
    assert (source.sentences is None) == (level is AttributionLevel.WORD)
    assert len(source.tokens) == len(window.ids)
    assert source.tokens[0] is source.tokens[-1] is None  # the style's and the end token
    for token, span in zip(window.ids[1:-1], source.tokens[1:-1], strict=True):
        text = BUNDLE.tokenizer.decode([token]).strip()
        if span is None:
            assert not text
            continue
        assert text == source.normalised.text[slice(*span)] or "\ufffd" in text
        start, end = source.normalised.origin(*span)
        assert normalise(mixed[start:end]) == source.normalised.text[slice(*span)]

"""Documents that nobody would write: each gets a sound answer, or is refused by name."""

import random
import re

import pytest

from server.errors import InvalidRequest
from server.jobs.job import admit
from server.jobs.reading import Reading, read
from server.types import Length, LongDocuments, ReadingWay
from tests.server.factories import BUNDLE, make_model, make_request

ROOM = 200
EMOJI = "\U0001f600\U0001f389\U0001f468\u200d\U0001f469\u200d\U0001f467 "
WORDS = "the engine reads long documents and writes summaries about rivers harbours bread".split()


def prose(words: int) -> str:
    draws = random.Random(1)  # noqa: S311 - no secret
    return " ".join(draws.choice(WORDS) for _ in range(words))


def rows(separator: str) -> str:
    draws = random.Random(2)  # noqa: S311 - no secret
    return "\n".join(
        separator.join(str(draws.randrange(10_000)) for _ in range(8)) for _ in range(80)
    )


READABLE = {
    "one sentence of 100,000 characters": prose(15_000),
    "one word": "a" * 5000,
    "one Chinese sentence": "江河湖海山川日月" * 400,
    "Arabic": "اللغة العربية هي أكثر اللغات السامية تحدثا. يتحدثها أكثر من مليون نسمة. " * 20,
    "mixed directions": "In שלום עולם they met. مرحبا بالعالم! 委员会同意了。 Они там. " * 50,
    "tags that never close": "<html><body><div><p>" + "<div><p>Bread is baked here. " * 300,
    "a tag that never closes": "<div " + prose(900),
    "a comment that never closes": "<!-- " + prose(900),
    "code without a fence": "def f(x):\n    return x + 1\n\n\n" * 100,
    "words in lines": "word\n" * 1500,
    "headings alone": "\n\n".join(f"# Heading number {number}" for number in range(200)),
    "accents without end": "e" + "\u0301" * 3000,
    "null characters": "\0text\0" * 500,
    "quote signs": "> " * 2000 + "x",
    "emoji and one word": EMOJI * 150 + "hello",
}  # fmt: skip
WITHOUT_SENTENCES = {
    "a fence that never closes": "```\n" + "x = compute(y) + 1\n" * 200,
    "numbers by tabs": rows("\t"),
    "numbers by bars": "\n".join(f"| {line} |" for line in rows(" | ").splitlines()),
    "fenced code": "```\n" + "x = compute(y) + 1\n" * 200 + "```\n",
}
WORDLESS = {
    "symbols": "!@#$%^&*() ~ " * 200,
    "emoji": EMOJI * 200,
    "zero-width characters": "\u200b\ufeff\u200d" * 500,
    "dots": ". " * 1000,
}
BLANK = {"white space": " \n\t\u3000 " * 500, "nothing": ""}


def reading_of(document: str, **changes: object) -> Reading:
    model = make_model(max_source_tokens=ROOM)
    request = make_request(document, **changes)  # type: ignore[arg-type]
    return read(admit(request, lambda *_: model, draw_seed=lambda: 0), BUNDLE.tokenizer)


def check(document: str, reading: Reading) -> None:
    """The model reads what fits, the reading says what that is, and sentences stand in the text."""
    for window in reading.windows:
        assert len(window.ids) <= ROOM + 2
        for span in window.spans:
            assert 0 <= span.start < span.end <= len(document)
    if reading.way in (ReadingWay.TRUNCATED, ReadingWay.SELECTED):
        assert reading.dropped_tokens > 0
    if reading.compose is None:
        return
    composition = reading.compose(["Bread is baked there. It is good."] * len(reading.windows))
    assert composition.text
    for sentence in composition.sentences:
        text = composition.text[sentence.span.start : sentence.span.end]
        if sentence.source is not None:
            source = document[sentence.source.start : sentence.source.end]
            # A mark inside a sentence, such as that of a quote, is not part of it.
            assert re.sub(r"[\s>]", "", text) == re.sub(r"[\s>]", "", source)


@pytest.mark.parametrize(
    "policy", [each for each in LongDocuments if each is not LongDocuments.REFUSE]
)
@pytest.mark.parametrize("document", READABLE.values(), ids=READABLE)
def test_it_is_read_as_the_policy_says(document: str, policy: LongDocuments) -> None:
    check(document, reading_of(document, long_documents=policy))


@pytest.mark.parametrize("document", READABLE.values(), ids=READABLE)
def test_its_key_sentences_stand_in_it(document: str) -> None:
    reading = reading_of(document, style="extract", length=Length(words=30))
    assert reading.way is ReadingWay.EXTRACTED
    check(document, reading)


@pytest.mark.parametrize(
    "policy", [LongDocuments.AUTO, LongDocuments.SELECT, LongDocuments.TRUNCATE]
)
@pytest.mark.parametrize("document", WITHOUT_SENTENCES.values(), ids=WITHOUT_SENTENCES)
def test_without_sentences_its_beginning_is_read(document: str, policy: LongDocuments) -> None:
    reading = reading_of(document, long_documents=policy)
    assert reading.way is ReadingWay.TRUNCATED
    check(document, reading)


@pytest.mark.parametrize("changes", [{"long_documents": LongDocuments.COVER}, {"style": "extract"}])
@pytest.mark.parametrize("document", WITHOUT_SENTENCES.values(), ids=WITHOUT_SENTENCES)
def test_without_sentences_it_is_refused_where_they_are_asked_for(
    document: str, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequest, match="which chooses sentences"):
        reading_of(document, **changes)


@pytest.mark.parametrize("document", [*READABLE.values(), *WITHOUT_SENTENCES.values()])
def test_it_is_refused_with_its_size_and_the_limit(document: str) -> None:
    with pytest.raises(InvalidRequest, match=f"document: has .* tokens, at most {ROOM} are read"):
        reading_of(document, long_documents=LongDocuments.REFUSE)


@pytest.mark.parametrize("policy", LongDocuments)
@pytest.mark.parametrize("document", [*WORDLESS.values(), *BLANK.values()])
def test_without_a_word_it_is_refused(document: str, policy: LongDocuments) -> None:
    with pytest.raises(InvalidRequest, match=r"document: .*send at least one word"):
        reading_of(document, long_documents=policy)

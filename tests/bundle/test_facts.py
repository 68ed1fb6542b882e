"""Which names and numbers stand in a document."""

import pytest

from bundle.facts import Ordinary, Source, words_of, wrong_words

ORDINARY = Ordinary(["a", "three", "study", "people", "deep"])


def words(text: str) -> list[str]:
    return [word.text for word in words_of(text)]


def wrong(document: str, summary: str, *, is_cut: bool = False) -> list[str]:
    return list(wrong_words(Source(document, ORDINARY), summary, is_cut=is_cut))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(Smith's U.S. firm, e.g.)", ["Smith", "s", "U", "S", "firm", "e", "g"]),
        ("5.1% of $1,234, 1990s: 3-year", ["5.1", "of", "1,234", "1990s", "3", "year"]),
        ("GPT-4, GPT-3.5-turbo", ["GPT-4", "GPT-3.5", "turbo"]),
        ("Anglo-French 2019-2020", ["Anglo", "French", "2019", "2020"]),
        ("采用GPT模型，第2章。", ["GPT", "2"]),
        ("naïve ΑΒΓ Мир カナ עברית", ["naïve", "ΑΒΓ", "Мир"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("5. 6", ["5", "6"]),
    ],
)
def test_a_text_divides_into_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("One Two three Four", ["One", "Two", "three"]),
        ("One of the Two by 3 Four", ["One", "of", "the", "Two", "by", "3", "Four"]),
        ("one Two. Three", ["one", "Three"]),
        ('one "Two', ["one", "Two"]),
        ("one: Two", ["one", "Two"]),
        ("one.two Three", ["one"]),
        ('one." Two', ["one", "Two"]),
    ],
)
def test_the_beginning_of_a_sentence_goes_on_up_to_a_word_without_a_capital(
    text: str, beginning: list[str]
) -> None:
    assert [word.text for word in words_of(text) if word.begins] == beginning


@pytest.mark.parametrize("text", ["abc", "5", "GPT", "a.b", "1,234"])
def test_the_last_word_may_go_on(text: str) -> None:
    *others, last = words_of(text)
    assert last.is_last
    assert not any(word.is_last for word in others)


@pytest.mark.parametrize(
    ("text", "joiner"), [("5.", "."), ("5,", ","), ("GPT-", "-"), ("GPT.", ""), ("5-", "")]
)
def test_a_sign_after_the_last_word_may_become_a_part_of_it(text: str, joiner: str) -> None:
    (word,) = words_of(text)
    assert (word.joiner, word.is_last) == (joiner, joiner != "")


DOCUMENT = "The NATO summit in paris cost 5.1% of $1,234, said Anne Smith's GPT-4 (U.S.)."


@pytest.mark.parametrize(
    "summary",
    [
        "it was in Paris, said Smith, of the Smith's Summit",
        "a Nato summit of NATO's",
        "about 5.1 percent, $1,234",
        "both GPT-4 and GPT",
        "the U.S. said",
        "three summits, unseen words",
        "Three summits. People said: Study",
        "A Study of Deep Three",
    ],
)
def test_what_the_document_has_and_ordinary_words_may_be_written(summary: str) -> None:
    assert wrong(DOCUMENT, summary) == []


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("it was in London", ["London"]),
        ("it was in PARIS", ["PARIS"]),
        ("it was a Study", ["Study"]),
        ("London has it", ["London"]),
        ("about 5 percent or 1 or 234 or 5.12 or 1234", ["5", "1", "234", "5.12", "1234"]),
        ("GPT-3 and GPT-4o and covid19", ["GPT-3", "GPT-4o", "covid19"]),
        ("it was in London, in London and Rome", ["London", "Rome"]),
        ("it was sMith", ["sMith"]),
    ],
)
def test_names_and_numbers_that_the_document_lacks_are_wrong(
    summary: str, expected: list[str]
) -> None:
    assert wrong(DOCUMENT, summary) == expected


def test_in_the_summary_of_a_chinese_document_every_word_must_stand_in_it() -> None:
    assert wrong("本文提出Transformer模型", "提出transformer的 model。Three") == ["model", "Three"]


@pytest.mark.parametrize(("summary", "expected"), [("in Lon", ["Lon"]), ("in Pari", [])])
def test_a_word_that_a_limit_cut_off_need_not_be_complete(
    summary: str, expected: list[str]
) -> None:
    assert wrong(DOCUMENT, summary, is_cut=True) == expected

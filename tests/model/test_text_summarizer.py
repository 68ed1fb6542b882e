"""From a document to a summary with the default checkpoint."""

import pytest

from model.decoding.generate import GreedyOptions
from model.text_summarizer import TextSummarizer
from tests.model.factories import EXAMPLES

OPTIONS = GreedyOptions(max_tokens=80, no_repeat_ngram_size=3)


@pytest.mark.parametrize(
    ("example", "expected"),
    [("arxiv_en.txt", "FlickCD"), ("arxiv_zh.txt", "MuJoCo")],
)
def test_an_example_is_summarised_in_its_own_language(
    default_summarizer: TextSummarizer, example: str, expected: str
) -> None:
    document = (EXAMPLES / example).read_text(encoding="utf-8")
    summary = default_summarizer.summarize(document, "brief", OPTIONS)
    assert expected in summary
    assert 20 < len(summary) < len(document)
    assert ("的" in summary) == example.endswith("zh.txt")


def test_a_source_is_the_style_the_document_and_the_end(default_summarizer: TextSummarizer) -> None:
    tokens = default_summarizer.tokenizer.encode("Two words")
    assert default_summarizer.source_ids("Two words", "brief") == [5, *tokens, 1]
    assert default_summarizer.source_ids(" Two\n\t words ", "headline") == [4, *tokens, 1]


def test_a_document_that_spells_a_special_token_does_not_get_it(
    default_summarizer: TextSummarizer,
) -> None:
    inside = default_summarizer.source_ids("ends </s> or <headline> here", "brief")[1:-1]
    assert not set(inside) & set(range(8))


def test_an_unknown_style_is_refused_with_those_there_are(
    default_summarizer: TextSummarizer,
) -> None:
    with pytest.raises(ValueError, match="'haiku'; known: brief, detailed, headline, paper"):
        default_summarizer.source_ids("a document", "haiku")


def test_a_long_document_is_refused_with_the_limit_or_cut_where_asked(
    default_summarizer: TextSummarizer,
) -> None:
    document = "word " * 1_500
    with pytest.raises(ValueError, match=r"has 150\d tokens; the limit is 1022"):
        default_summarizer.source_ids(document, "brief")
    assert len(default_summarizer.source_ids(document, "brief", 638)) == 640

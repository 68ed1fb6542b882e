"""Prose to examples: which sentences are taken, and what is left in their place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundle.tokenizer import BundleTokenizer
from model.checkpoints.source_template import SourceTemplate
from model.data.json_lines import DataError
from model.training.config import DataConfig, SourceConfig
from model.training.data import read_source
from model.training.examples import Counts
from model.training.gap_sentences import Prose, ProseReader, principal_sentences, prose_maker
from model.training.layout import Layout
from tests.model.factories import DEFAULT_CHECKPOINT
from tests.model.training.builders import write_json_lines

MASK, GAP, DETAILED = 3, 7, 6
TOKENIZER = BundleTokenizer(DEFAULT_CHECKPOINT / "tokenizer.json")
LAYOUT = Layout(TOKENIZER, SourceTemplate((), (1,)), 1, {"detailed": DETAILED})

# The third sentence shares most words with the others.
SENTENCES = [
    "The old mill stands by the river.",
    "Its owner grinds wheat.",
    "The old mill by the river grinds wheat for bread.",
    "People buy bread on Sunday.",
    "Nobody remembers who built it.",
]
TEXT = " ".join(SENTENCES)


def make_data(**changes: object) -> DataConfig:
    values = {
        "sources": (SourceConfig(path="x", kind="gaps"),),
        "max_document_tokens": 200,
        "max_summary_tokens": 50,
    }
    return DataConfig(**values | changes)


def test_the_sentences_that_share_most_words_are_principal() -> None:
    def one(_: int) -> int:
        return 1

    assert principal_sentences(SENTENCES, one, 1, 99) == [2]
    assert principal_sentences(SENTENCES, one, 2, 99) == [0, 2]
    assert principal_sentences(["另一句话", "别", "别的一句"], one, 1, 99) == [2]


def test_a_principal_sentence_without_room_is_passed_over() -> None:
    assert principal_sentences(SENTENCES, [5, 5, 20, 5, 5].__getitem__, 2, 19) == [0]
    assert principal_sentences(SENTENCES, ([20] * 5).__getitem__, 2, 19) == []


def test_gap_sentences_are_masked_in_the_source_and_are_the_target() -> None:
    counts = Counts()
    example = prose_maker(LAYOUT, make_data(), (GAP, MASK))(Prose("p", TEXT, "en"), counts)
    assert example is not None
    assert example.source[0] == GAP
    assert example.source.count(MASK) == 1
    assert TOKENIZER.decode(example.source) == TEXT.replace(f" {SENTENCES[2]}", "")
    assert TOKENIZER.decode(example.target) == SENTENCES[2]
    assert example.source[-1] == example.target[-1] == 1
    assert counts == Counts(examples=1)


def test_extracts_leave_the_source_whole() -> None:
    data = make_data(sentence_share=0.4)
    example = prose_maker(LAYOUT, data, None)(Prose("p", TEXT, "en"), Counts())
    assert example is not None
    assert example.source[0] == DETAILED
    assert TOKENIZER.decode(example.source) == TEXT
    assert TOKENIZER.decode(example.target) == f"{SENTENCES[0]} {SENTENCES[2]}"


def test_extracts_are_taken_from_what_the_family_puts_before_a_document_too() -> None:
    layout = Layout(TOKENIZER, SourceTemplate((), (1,), "summarize: "), 1)
    example = prose_maker(layout, make_data(), None)(Prose("p", TEXT, "en"), Counts())
    assert example is not None
    assert example.source == layout.source(layout.document_ids(TEXT), "")
    assert TOKENIZER.decode(example.target) == SENTENCES[2]


# Some are one token after a space, and four without it.
WORDS = st.sampled_from(["bread", "mill", "Empirical", "African", "Twitter", "42", "磨坊"])


@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=4, max_size=8),
    st.integers(1, 30),
    st.integers(8, 60),
    st.booleans(),
)
def test_no_limit_is_exceeded(
    sentences: list[list[str]], summary_tokens: int, document_tokens: int, masked: bool
) -> None:
    text = " ".join(" ".join(words) + " end." for words in sentences)
    data = make_data(
        max_summary_tokens=summary_tokens, max_document_tokens=document_tokens, sentence_share=0.5
    )
    make = prose_maker(LAYOUT, data, (GAP, MASK) if masked else None)
    example = make(Prose("p", text, "en"), Counts())
    if example is not None:
        assert len(example.target) <= summary_tokens + 1  # and the end token
        assert len(example.source) <= document_tokens + 2  # and what stands around a document


def test_a_long_text_is_read_to_its_last_whole_sentence_within_the_limit() -> None:
    counts = Counts()
    data = make_data(max_document_tokens=45)
    example = prose_maker(LAYOUT, data, None)(Prose("p", TEXT + " More." * 50, "en"), counts)
    assert example is not None
    assert len(example.source) <= 45 + 2
    assert TOKENIZER.decode(example.source).endswith(".")
    assert counts.cut_documents == 1


@pytest.mark.parametrize("text", ["One. Two. Three.", "word " * 300])
def test_a_text_of_too_few_sentences_is_dropped(text: str) -> None:
    counts = Counts()
    assert prose_maker(LAYOUT, make_data(), None)(Prose("p", text, "en"), counts) is None
    assert counts.dropped == 1


def test_prose_is_read_from_json_lines(tmp_path: Path) -> None:
    path = write_json_lines(tmp_path / "prose.jsonl", [{"text": TEXT}, {"id": "b", "text": ""}])
    reader = ProseReader(path, on_bad_line="skip")
    assert list(reader) == [Prose("prose.jsonl:1", TEXT, "en")]
    assert str(reader.bad_lines[0]) == "line 2: text is empty"


def test_a_tokenizer_without_the_two_tokens_cannot_have_gaps(tmp_path: Path) -> None:
    text = (DEFAULT_CHECKPOINT / "tokenizer.json").read_text(encoding="utf-8")
    file = tmp_path / "tokenizer.json"
    file.write_text(text.replace("<gap>", "<other>"), encoding="utf-8")
    path = write_json_lines(tmp_path / "prose.jsonl", [{"text": TEXT}])
    source = SourceConfig(path=str(path), kind="gaps")
    with pytest.raises(DataError, match=r"tokenizer\.json has no <gap> and <mask>"):
        read_source(source, make_data(), LAYOUT, file, shown=False)
    assert len(read_source(source, make_data(), LAYOUT, DEFAULT_CHECKPOINT / file.name, False)) == 1

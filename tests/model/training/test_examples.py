"""Records to examples: nothing is left out without being counted."""

import pytest

from model.checkpoints.source_template import SourceTemplate
from model.data.json_lines import DataError
from model.data.records import Record
from model.training.config import DataConfig, SourceConfig, ValidationConfig
from model.training.data import read_source, read_validation, texts
from model.training.examples import Counts, Example, pair_maker
from model.training.layout import Layout
from tests.model.factories import DATA, DEFAULT_CHECKPOINT
from tests.model.training.builders import write_json_lines


class Words:
    """A tokenizer for which every word is its length."""

    def encode(self, text: str) -> list[int]:
        return [10 + len(word) for word in text.split()]


STYLED = Layout(Words(), SourceTemplate((), (1,)), 1, {"brief": 5, "headline": 4})
PLAIN = Layout(Words(), SourceTemplate((0,), (2,), "sum up: "), 2)


def make_data(**changes: object) -> DataConfig:
    values = {
        "sources": (SourceConfig(path="x"),),
        "max_document_tokens": 4,
        "max_summary_tokens": 2,
    }
    return DataConfig(**values | changes)


def make(document: str, summary: str, layout: Layout = STYLED, **changes: object) -> tuple:
    counts = Counts()
    record = Record("a", document, summary, "brief", "en")
    return pair_maker(layout, make_data(**changes))(record, counts), counts


def test_a_model_with_styles_reads_the_style_and_the_document() -> None:
    example, counts = make("one two", "three")
    assert example == Example("a", [5, 13, 13, 1], [15, 1])
    assert counts == Counts(examples=1)


def test_another_family_has_its_own_ids_and_prefix_around_both() -> None:
    example, _ = make("one two", "three", PLAIN)
    assert example == Example("a", [0, 13, 13, 13, 13, 2], [0, 15, 2])


def test_what_is_too_long_is_cut_and_counted() -> None:
    example, counts = make("a bb ccc dddd eeeee", "a bb ccc")
    assert example == Example("a", [5, 11, 12, 13, 14, 1], [11, 12])  # no end: it was cut
    assert counts == Counts(examples=1, cut_documents=1, cut_summaries=1)
    assert str(counts) == "1 examples, 1 cut documents, 1 cut summaries"


def test_what_is_too_long_is_dropped_by_option() -> None:
    assert make("a bb ccc dddd eeeee", "a", too_long="drop") == (None, Counts(dropped=1))


def test_what_is_too_long_is_refused_by_option() -> None:
    with pytest.raises(DataError, match=r"a: 5 document tokens \(the limit is 4\), 1 summary"):
        make("a bb ccc dddd eeeee", "a", too_long="refuse")


def test_a_style_that_the_model_does_not_know_is_refused() -> None:
    record = Record("a", "one", "two", "haiku", "en")
    with pytest.raises(DataError, match="a: unknown style 'haiku'; the model knows brief"):
        pair_maker(STYLED, make_data())(record, Counts())


def test_only_a_model_with_styles_needs_one() -> None:
    record = Record("a", "one", "two", "", "en")
    assert pair_maker(PLAIN, make_data())(record, Counts()) is not None
    with pytest.raises(DataError, match="a: no style; the model knows brief, headline"):
        pair_maker(STYLED, make_data())(record, Counts())


def test_a_file_of_which_nothing_is_left_is_refused(tmp_path) -> None:
    lines = [{"document": "a b c d e f", "summary": "x", "style": "brief"}, {"document": ""}]
    path = write_json_lines(tmp_path / "pairs.jsonl", lines)
    source = SourceConfig(path=str(path), on_bad_line="skip")
    data = make_data(too_long="drop")
    with pytest.raises(DataError, match=r"0 examples, 1 unusable lines, 1 dropped"):
        read_source(source, data, STYLED, DEFAULT_CHECKPOINT / "tokenizer.json", shown=False)


def test_what_was_left_out_is_told(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"document": "a b c d e f", "summary": "x", "style": "brief"}, {"document": ""}]
    path = write_json_lines(tmp_path / "pairs.jsonl", lines)
    source = SourceConfig(path=str(path), on_bad_line="skip")
    read_source(source, make_data(), STYLED, DATA, shown=True)
    told = capsys.readouterr().err
    assert "pairs.jsonl: 1 examples, 1 unusable lines, 1 cut documents" in told
    assert "line 2: lacks summary; document is empty" in told


VALIDATED = [
    {"id": "long", "document": "a b c d e f", "summary": "x"},
    {"id": "short", "document": "a", "summary": "x"},
]


def test_validation_is_held_to_the_same_limits_and_its_losses_are_told(
    tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_json_lines(tmp_path / "judges.jsonl", VALIDATED)
    validation = ValidationConfig(path=str(path), every_steps=1)
    cut = read_validation(validation, make_data(), PLAIN, shown=True)
    assert [record.id for record in cut.records] == cut.examples.ids == ["long", "short"]
    dropped = read_validation(validation, make_data(too_long="drop"), PLAIN, shown=True)
    assert [record.id for record in dropped.records] == dropped.examples.ids == ["short"]
    assert capsys.readouterr().err.splitlines() == [
        "judges.jsonl: 2 examples, 1 cut documents",
        "judges.jsonl: 1 examples, 1 dropped",
    ]
    with pytest.raises(DataError, match="long: 8 document tokens"):
        read_validation(validation, make_data(too_long="refuse"), PLAIN, shown=True)


def test_a_validation_file_without_a_record_is_refused(tmp_path) -> None:
    path = write_json_lines(tmp_path / "judges.jsonl", [])
    validation = ValidationConfig(path=str(path), every_steps=1)
    with pytest.raises(DataError, match=r"judges\.jsonl: no example is left \(0 examples\)"):
        read_validation(validation, make_data(), PLAIN, shown=False)


def test_a_tokenizer_is_trained_on_each_file_once_and_on_all_of_them_by_turns(tmp_path) -> None:
    prose = write_json_lines(tmp_path / "prose.jsonl", [{"text": f"prose {i}"} for i in range(3)])
    pairs = write_json_lines(tmp_path / "pairs.jsonl", [{"document": "long", "summary": "short"}])
    sources = [
        SourceConfig(path=str(prose), kind="gaps"),
        SourceConfig(path=str(prose), kind="extracts"),
        SourceConfig(path=str(pairs)),
    ]
    assert list(texts(sources)) == ["prose 0", "long", "short", "prose 1", "prose 2"]

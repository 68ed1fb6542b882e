"""The choice of documents: those of a bucket of lengths, the same ones in every run."""

from pathlib import Path

import pytest

from loadtest.corpus import choose_documents, read_folder
from loadtest.exits import Exit, LoadTestError
from loadtest.scenario import CorpusTable


def test_text_files_and_the_documents_of_json_lines_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("二二\n", "utf-8")
    (tmp_path / "a.jsonl").write_text('{"document": "一"}\n{"document": "one", "id": 2}\n', "utf-8")
    (tmp_path / "README.md").write_text("no document")

    documents = read_folder(tmp_path)

    assert [(each.text, each.language) for each in documents] == [
        ("一", "zh"),
        ("one", "en"),
        ("二二", "zh"),
    ]


@pytest.mark.parametrize(
    ("language", "tokens", "join"),
    [("en", (150, 300), False), ("zh", (60, 200), False), ("any", (700, 950), True)],
)
def test_the_texts_of_the_repository_fill_a_bucket(
    language: str, tokens: tuple[int, int], join: bool
) -> None:
    table = CorpusTable.model_validate({"language": language, "tokens": tokens, "join": join})

    documents = choose_documents(table)

    assert len(documents) > 10
    assert documents == choose_documents(table)


def test_a_document_outside_the_bucket_is_left_out(tmp_path: Path) -> None:
    for size in (52, 53, 106, 107):
        (tmp_path / f"{size:03}.txt").write_text("x" * size)
    table = CorpusTable(folders=(str(tmp_path),), tokens=(10, 20))

    assert [len(text) for text in choose_documents(table)] == [53, 106]


@pytest.mark.parametrize("join", [True, False])
def test_a_folder_without_a_fitting_document_is_named(join: bool, tmp_path: Path) -> None:
    table = CorpusTable(folders=(str(tmp_path),), tokens=(10, 20), join=join)

    with pytest.raises(LoadTestError, match=str(tmp_path)) as caught:
        choose_documents(table)

    assert caught.value.code is Exit.EMPTY_CORPUS


def test_a_line_without_a_document_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text('{"text": "no document"}\n')

    with pytest.raises(LoadTestError, match=r"broken\.jsonl cannot be read \(KeyError"):
        read_folder(tmp_path)

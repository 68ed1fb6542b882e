"""The choice of documents: every document of a folder, the same ones in every run."""

from itertools import islice
from pathlib import Path

import pytest

from loadtest.corpus import EmptyCorpus, choose_forever, read_corpus

REPOSITORY = Path(__file__).parents[2]


def draw(seed: str) -> list[str]:
    return list(islice(choose_forever(("a", "b", "c"), seed), 20))


def test_text_files_and_the_documents_of_json_lines_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("二", "utf-8")
    (tmp_path / "a.jsonl").write_text('{"document": "一"}\n{"document": "one", "id": 2}\n', "utf-8")
    (tmp_path / "README.md").write_text("no document")

    assert read_corpus(tmp_path) == ("一", "one", "二")


@pytest.mark.parametrize("folder", ["examples", "tests/data"])
def test_the_folders_that_the_readme_names_have_documents(folder: str) -> None:
    documents = read_corpus(REPOSITORY / folder)

    assert all(document.strip() for document in documents)


@pytest.mark.parametrize("name", ["nothing", "no-such-folder"])
def test_a_folder_without_documents_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    with pytest.raises(EmptyCorpus, match=name):
        read_corpus(tmp_path / name)


def test_a_seed_draws_the_same_documents_again_and_another_draws_others() -> None:
    assert draw("0/1") == draw("0/1") != draw("0/2")
    assert set(draw("0/1")) == {"a", "b", "c"}

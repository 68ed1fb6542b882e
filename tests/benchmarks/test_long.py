"""The measurements on long documents: what is joined, cut, counted and shown."""

import tomllib
from pathlib import Path

import pytest

from benchmarks.long.beside import beside_table
from benchmarks.long.documents import SECTIONS, SHORT, joined_records, long_records, of_length
from benchmarks.long.lengths import lengths_table
from benchmarks.long.quality import cut, quality_table, share_spoken_of, size

ROOT = Path(__file__).resolve().parent.parent.parent
GALLERY = ROOT / "examples" / "gallery"


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_textbook_sections_are_long_and_have_summaries() -> None:
    sections = long_records(SECTIONS, limit=100)
    assert len(sections) == 24
    assert min(len(each.document) for each in sections) > 5_000
    assert not any(each.is_joined for each in sections)


@pytest.mark.parametrize("path", SHORT)
def test_joined_documents_hold_each_of_their_own_once(path: Path) -> None:
    joined = joined_records(path, limit=100)
    parts = [part for each in joined for part in each.parts]
    assert len(parts) == len(set(parts))
    for each in joined:
        assert len(each.parts) >= (4 if each.lang == "zh" else 6)
        assert len(each.document) >= (2_500 if each.lang == "zh" else 6_000)
        assert all(part in each.summary for part in each.parts)


def test_joining_gives_the_same_documents_every_time() -> None:
    assert joined_records(SHORT[0], 5) == joined_records(SHORT[0], 5)


def test_a_document_of_a_length_has_it() -> None:
    assert len(of_length(2_000)) == 2_000
    assert len(of_length(400_000)) == 400_000
    assert of_length(400_000).startswith(of_length(2_000))


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("one two  three four", 3, "one two  three"),
        ("one two", 3, "one two"),
        ("模型是GPT-4的", 4, "模型是GPT-4"),
        ("", 3, ""),
    ],
)
def test_a_text_is_cut_to_so_many_words(text: str, most: int, expected: str) -> None:
    assert cut(text, most) == expected
    assert size(cut(text, most)) <= most


def test_a_part_is_spoken_of_if_four_content_words_are_shared() -> None:
    parts = ["apples grow near wide rivers", "ships carry coal and iron north"]
    assert share_spoken_of(parts, "Wide rivers make apples grow.") == 0.5
    assert share_spoken_of(parts, "Wide rivers make apples.") == 0


def test_the_tables_show_the_differences_with_their_intervals() -> None:
    row = {
        "set": "sections", "budget": 120, "documents": 3, "characters": 9_000, "way": "lead",
        "rouge": [30.0, 7.0, 17.0], "words": 120, "unsupported": 0.0, "spoken_of": None,
        "source_tokens": 0, "seconds": 0.0, "less": {},
    }  # fmt: skip
    ours = row | {"way": "extract", "less": {"lead": [[4.0, 2.0, 6.0]], "truncate": [[5, 3, 7]]}}
    *_, lead, extract = quality_table({"rows": [row, ours]}).splitlines()
    assert lead == "| lead | 30.0 / 7.0 / 17.0 | | | 0.0 | 0 | 0.0 | 120 |"
    assert "| +4.0 (+2.0 to +6.0) | +5 (+3 to +7) |" in extract


def test_the_table_of_lengths_has_a_line_for_each() -> None:
    rows = [
        {"way": way, "characters": characters, "seconds": 0.5, "peak_mb": 12.3}
        for characters in (2_000, 10_000)
        for way in ("extract", "select", "cover")
    ]
    lines = lengths_table({"rows": rows}).splitlines()
    assert lines[2].startswith("| 2,000 | 0.50 | 12 |")
    assert len(lines) == 4


def test_p99_is_shown_as_a_multiple_of_that_alone() -> None:
    rows = [
        {"beside": name, "requests": 9, "p50_ms": 1, "p99_ms": p99, "long_documents": 0,
         "long_s": None, "p99_of_turns_ms": [p99]}
        for name, p99 in (("alone", 100), ("cover", 125))
    ]  # fmt: skip
    table = beside_table({"rows": rows, "rate": 4.0, "capacity": 8.0})
    assert "| cover | 9 | 1 | 125 | 1.25 | 125 | 0 | - |" in table


def test_the_gallery_shows_every_document_and_remarks_on_no_other() -> None:
    files = {path.name for path in GALLERY.iterdir()} - {"README.md", "remarks.toml"}
    page = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    remarks = tomllib.loads((GALLERY / "remarks.toml").read_text("utf-8"))
    assert len(files) == 20
    assert all(f"\n### {name}\n" in page for name in files)
    assert set(remarks) == files

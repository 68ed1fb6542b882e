"""PDF: from letters at places to headings and paragraphs, and what cannot be read."""

from collections.abc import Iterable
from typing import Any

import pytest
from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError

from precis_documents import pdf
from precis_documents._types import Refused
from tests.documents import files
from tests.documents.files import Put, paragraph

FULL = [
    "This line is as long as the lines of this page are, so that the next one is a part",
    "of the same paragraph, which it is whenever there is nothing that speaks against it",
    "and which ends here.",
]
JOINED = " ".join(FULL)


def text(*pages: Iterable[Put]) -> str:
    return pdf.convert(files.pdf(*pages)).text


def test_lines_become_paragraphs_where_the_gap_is_wide() -> None:
    page = [*paragraph(*FULL, top=700), *paragraph(*FULL, top=640)]
    assert text(page) == f"{JOINED}\n\n{JOINED}"


def test_an_indented_line_after_a_sentence_begins_a_paragraph() -> None:
    page = [*paragraph(*FULL, top=700, indent=15), *paragraph(*FULL, top=661, indent=15)]
    assert text(page) == f"{JOINED}\n\n{JOINED}"


def test_larger_or_bold_lines_become_headings_by_their_size() -> None:
    page = [
        Put("The Title of a", 750, size=20),
        Put("Long Report", 728, size=20),
        Put("1 First part", 715, size=14),
        *paragraph(*FULL, top=695),
        Put("A smaller part", 640, font="bold"),
        *paragraph(*FULL, top=620),
    ]
    assert text(page) == (
        f"# The Title of a Long Report\n\n## 1 First part\n\n{JOINED}\n\n"
        f"### A smaller part\n\n{JOINED}"
    )


def test_a_bold_word_makes_no_heading_of_its_line() -> None:
    page = [*paragraph(FULL[0]), Put("Bold words", 687, font="bold"), Put("and plain.", 687, x=140)]
    assert "#" not in text(page)


def test_a_paragraph_in_large_letters_is_no_heading() -> None:
    page = [
        *[Put(FULL[0], 750 - 20 * row, size=16) for row in range(5)],
        *paragraph(*FULL, top=600),
    ]
    assert "#" not in text(page)


@pytest.mark.parametrize("mark", ["1.", "(a)", "*", "-", "\u2022"])
def test_items_begin_a_line_of_their_own(mark: str) -> None:
    page = paragraph(FULL[0], f"{mark} one", f"{mark} two")
    shown = "-" if mark == "\u2022" else mark
    assert text(page) == f"{FULL[0]}\n\n{shown} one\n\n{shown} two"


def test_short_lines_keep_their_ends_as_rows_of_tables_do() -> None:
    page = [*paragraph(*FULL, top=700), *paragraph("Year Sales", "2025 17", "2026 23", top=640)]
    assert text(page) == f"{JOINED}\n\nYear Sales\n2025 17\n2026 23"


def test_code_keeps_its_lines() -> None:
    code = [Put(line, 640 - 13 * row, font="mono") for row, line in enumerate(FULL[:2])]
    assert text([*paragraph(*FULL, top=700), *code]) == f"{JOINED}\n\n{FULL[0]}\n{FULL[1]}"


@pytest.mark.parametrize(
    ("end", "beginning", "elsewhere", "joined"),
    [
        ("of the para-", "graph here", "", "of the paragraph here"),
        ("of the well-", "known words", "", "of the wellknown words"),
        ("of the well-", "known words", "A well-known word.", "of the well-known words"),
        ("of the years 1990-", "2000 and", "", "of the years 1990- 2000 and"),
        ("of the part of Anna-", "Lena here", "", "of the part of Anna- Lena here"),
    ],
)
def test_a_word_that_the_line_breaks_is_joined(
    end: str, beginning: str, elsewhere: str, joined: str
) -> None:
    start = "A long line whose last word is broken because there is no room for all "
    page = [Put(start + end, 700), Put(beginning, 687), Put(elsewhere or "No word.", 600)]
    assert text(page).startswith(start + joined)


def numbered(number: int, *, header: str, footer: str) -> list[Put]:
    body = paragraph(*FULL, f"Page {number} in words.", top=700)
    return [Put(header, 770), *body, Put(footer, 30)]


def test_what_every_page_repeats_is_left_out() -> None:
    pages = [numbered(n, header="Annual Report 2026", footer=f"{n} of 4") for n in range(1, 5)]
    read = text(*pages)
    assert "Annual Report" not in read
    assert "of 4" not in read
    assert all(f"Page {n} in words." in read for n in range(1, 5))


def test_running_titles_are_left_out_beside_the_page_number() -> None:
    titles = ["One", "One", "One", "One", "Two", "Two"]
    pages = [numbered(n, header=f"Part {each}  {n}", footer="") for n, each in enumerate(titles)]
    assert "Part" not in text(*pages)


@pytest.mark.parametrize("number", ["7", "- 7 -", "Page 7 of 9", "xii", "[7]", "Seite 7"])
def test_page_numbers_are_left_out_of_a_single_page(number: str) -> None:
    assert text([*paragraph(*FULL), Put(number, 30, x=300)]) == JOINED


def test_the_same_words_at_different_places_stay() -> None:
    pages = [[Put("Again and again.", 700 - 50 * n), *paragraph(*FULL, top=400)] for n in range(4)]
    assert text(*pages).count("Again and again.") == 4


def test_a_line_of_the_text_stays_although_every_page_ends_with_its_like() -> None:
    pages = [paragraph(*FULL, f"So says page {n}", top=700) for n in range(4)]
    assert all(f"So says page {n}" in text(*pages) for n in range(4))


def test_a_page_of_numbers_alone_is_read() -> None:
    assert text([Put("17", 700), Put("23", 600)]) == "17\n\n23"


def test_a_table_of_contents_is_left_out() -> None:
    page = [Put("1 Beginning . . . . . . . . . 3", 740), Put("2 End ........ 4", 727)]
    assert text([*page, *paragraph(*FULL)]) == JOINED


def test_a_sentence_goes_on_over_pages_and_columns() -> None:
    first, second = paragraph(*FULL[:2], top=100), paragraph(FULL[2], top=700)
    assert text(first, second) == JOINED
    assert text([*first, *paragraph(FULL[2], top=700, x=330)]) == JOINED


def test_a_finished_sentence_ends_its_paragraph_with_the_page() -> None:
    assert text(paragraph(*FULL), paragraph(*FULL)) == f"{JOINED}\n\n{JOINED}"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("A  report", "A report"),
        ("Microsoft Word - a.doc", ""),
        ("paper.dvi", ""),
        ("Untitled", ""),
    ],
)
def test_a_title_is_shown_unless_a_program_made_it_up(title: str, shown: str) -> None:
    assert pdf.convert(files.pdf(paragraph(*FULL), title=title)).title == shown


def test_a_file_without_a_password_is_read_although_it_is_encrypted() -> None:
    assert pdf.convert(files.encrypted(files.pdf(paragraph(*FULL)), "")).text == JOINED


def test_a_file_with_a_password_is_refused_with_the_way_to_remove_it() -> None:
    locked = files.encrypted(files.pdf(paragraph(*FULL)), "secret")
    with pytest.raises(Refused, match=r"is encrypted; .*: qpdf --password=PASSWORD --decrypt"):
        pdf.convert(locked)


def test_an_encryption_that_needs_another_package_is_refused_with_a_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise DependencyError("cryptography>=3.1 is required for AES algorithm")

    monkeypatch.setattr(PdfReader, "decrypt", fail)
    with pytest.raises(Refused, match=r"is encrypted; decrypt it first: qpdf --decrypt IN\.pdf"):
        pdf.convert(files.encrypted(files.pdf(paragraph(*FULL)), ""))


def test_a_scan_is_refused_with_the_way_to_its_text() -> None:
    with pytest.raises(Refused, match=r"has no text, only pictures .*: ocrmypdf"):
        pdf.convert(files.pdf([], [], picture=True))


def test_pages_without_text_are_told() -> None:
    converted = pdf.convert(files.pdf([], paragraph(*FULL), [], []))
    assert converted.notes == ("no text on pages 1, 3-4 of 4 (pictures?)",)
    converted = pdf.convert(files.pdf([], paragraph(*FULL)))
    assert converted.notes == ("no text on page 1 of 2 (pictures?)",)


def test_a_damaged_page_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    read = PageObject.extract_text

    def read_but_the_second(page: PageObject, **options: Any) -> str:
        if page.page_number == 1:
            raise KeyError("/Contents")
        return read(page, **options)

    monkeypatch.setattr(PageObject, "extract_text", read_but_the_second)
    converted = pdf.convert(files.pdf(paragraph(*FULL), paragraph("lost"), paragraph("End.")))
    assert converted.text == f"{JOINED}\n\nEnd."
    assert converted.notes == ("left out page 2 of 3: damaged",)
    with pytest.raises(Refused, match="is a damaged PDF"):
        pdf.convert(files.pdf([], paragraph("lost")))


def test_letters_that_cannot_be_told_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "text_of_pages", lambda _: "\ue000\ue001\ufffd ab")
    with pytest.raises(Refused, match="has fonts that do not say which letters they draw"):
        pdf.convert(files.pdf(paragraph(*FULL)))


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7", files.pdf(paragraph(*FULL))[:200]], ids=["head alone", "cut off"]
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="is a damaged PDF"):
        pdf.convert(content)


def test_a_file_without_pages_is_refused() -> None:
    with pytest.raises(Refused, match="has no pages"):
        pdf.convert(files.pdf())

"""Word documents: what of their XML is text, and in which form."""

import pytest

from precis_documents import word
from precis_documents._types import Refused
from tests.documents.files import W, archive, docx, p

DC = 'xmlns:d="http://purl.org/dc/elements/1.1/"'


def text(body: str, **parts: str) -> str:
    return word.convert(docx(body, **parts)).text


def run(inside: str) -> str:
    return f"<w:p><w:r>{inside}</w:r></w:p>"


def test_headings_are_told_by_their_style_or_level() -> None:
    body = p("One", "H1") + p("Two", "Own") + p("Three", "Deep") + p("Text", "Body")
    assert text(body) == "# One\n\n# Two\n\n### Three\n\nText"
    own = '<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>Two</w:t></w:r></w:p>'
    assert text(own) == "## Two"


def test_items_of_a_list_follow_each_other() -> None:
    own = "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>two</w:t></w:r></w:p>"
    assert text(p("Before") + p("one", "Dots") + own + p("After")) == (
        "Before\n\n- one\n- two\n\nAfter"
    )


def test_a_row_of_a_table_is_a_line() -> None:
    def cell(content: str) -> str:
        return f"<w:tc>{p(content)}</w:tc>"

    table = "".join(
        f"<w:tr>{cell(a)}{cell(b)}</w:tr>" for a, b in [("a", "b"), ("1", ""), ("", "")]
    )
    assert text(f"<w:tbl>{table}</w:tbl>") == "a | b\n1 |"


def test_a_table_in_a_table_is_read_once() -> None:
    inner = f"<w:tbl><w:tr><w:tc>{p('inner')}</w:tc></w:tr></w:tbl>"
    outer = f"<w:tbl><w:tr><w:tc>{p('outer')}{inner}</w:tc></w:tr></w:tbl>"
    assert text(outer) == "outer inner"


def test_inserted_text_counts_and_deleted_text_does_not() -> None:
    changed = (
        "<w:p><w:r><w:t>It is </w:t></w:r><w:ins><w:r><w:t>now</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>not</w:delText></w:r></w:del></w:p>"
    )
    assert text(changed) == "It is now"


def test_content_controls_and_links_are_read() -> None:
    control = f"<w:sdt><w:sdtContent>{p('inside')}</w:sdtContent></w:sdt>"
    link = "<w:p><w:hyperlink><w:r><w:t>a link</w:t></w:r></w:hyperlink></w:p>"
    assert text(control + link) == "inside\n\na link"


def test_a_text_box_is_read_once_after_its_paragraph() -> None:
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    box = f"<w:txbxContent>{p('boxed')}</w:txbxContent>"
    body = (
        f"<w:p><w:r><w:t>around</w:t><mc:AlternateContent {mc}><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert text(body) == "around\n\nboxed"


def test_breaks_and_tabs_become_lines_and_spaces() -> None:
    assert text(run("<w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t>")) == "a b\nc"
    assert text(run("<w:t>co</w:t><w:noBreakHyphen/><w:t>op</w:t>")) == "co-op"
    assert text(run("<w:instrText>PAGE</w:instrText><w:t>1</w:t>")) == "1"


def test_footnotes_and_comments_are_named_as_left_out() -> None:
    notes = f"<w:footnotes {W}>{p('A note.')}</w:footnotes>"
    none = f"<w:comments {W}></w:comments>"
    converted = word.convert(docx(p("Text"), footnotes=notes, comments=none))
    assert converted.notes == ("left out: footnotes",)


def test_the_title_is_that_of_the_properties() -> None:
    files = {
        "word/document.xml": f"<w:document {W}><w:body>{p('Text')}</w:body></w:document>",
        "_rels/.rels": "<Relationships/>",
        "docProps/core.xml": f"<x {DC}><d:title>A  b</d:title></x>",
    }
    converted = word.convert(archive(files))
    assert (converted.text, converted.title) == ("Text", "A b")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (archive({"a.txt": "text"}), "is a ZIP archive; unpack it first: unzip FILE"),
        (archive({"xl/workbook.xml": ""}), "is an Excel workbook"),
        (archive({"ppt/presentation.xml": ""}), "is a PowerPoint presentation"),
        (archive({"META-INF/manifest.xml": ""}), "is an OpenDocument file"),
        (archive({"META-INF/container.xml": ""}), "is an EPUB book"),
        (b"PK\x03\x04", "is a ZIP archive or an office document, and damaged"),
        (docx(p("Text"))[:300], "is a ZIP archive or an office document, and damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_archives_are_named(content: bytes, why: str) -> None:
    with pytest.raises(Refused, match=f"^{why}"):
        word.convert(content)


@pytest.mark.parametrize(
    "content",
    [
        archive({"word/x.xml": ""}),
        archive({"_rels/.rels": "<Relationships/>", "word/document.xml": "<w"}),
        archive({"_rels/.rels": "<Relationships/>", "word/document.xml": f"<w:document {W}/>"}),
    ],
    ids=["no main part", "no xml", "no body"],
)
def test_a_damaged_document_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="is a damaged Word document"):
        word.convert(content)


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word, "_MAX_PART_BYTES", 1000)
    with pytest.raises(Refused, match=r"unpacks to 1\d\d,\d\d\d bytes; at most 1,000 are read"):
        word.convert(docx(p("x" * 100_000)))


def test_entities_are_not_expanded_without_end() -> None:
    entities = '<!ENTITY a0 "haha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
    )
    bomb = f"<!DOCTYPE x [{entities}]><w:document {W}><w:body>{p('&a9;')}</w:body></w:document>"
    with pytest.raises(Refused, match="is a damaged Word document"):
        word.convert(archive({"_rels/.rels": "<Relationships/>", "word/document.xml": bomb}))

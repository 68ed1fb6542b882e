"""Web pages: what is text, what is furniture, and in which form the text comes."""

import pytest

from precis_documents import web_page
from precis_documents._types import Refused

WORDS = "These are the words of the page, and there are enough of them to be its main text."


def text(body: str, head: str = "") -> str:
    return web_page.convert(f"<html><head>{head}</head><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h1>One</h1><p>a  b\nc</p><h3>Three</h3>d", "# One\n\na b c\n\n### Three\n\nd"),
        ("<h2>A <em>long</em><br>title</h2>", "## A long title"),
        ("<h2><a href='#x'>#</a>Part <a>one</a><a>¶</a></h2>", "## Part one"),
        ("<p>a<br>b</p>", "a\nb"),
        ("<ul><li>one<li>two <b>bold</b><ol><li>inner</ol></ul>", "- one\n- two bold\n- inner"),
        ("<ul><li><p>one</p></li></ul>after", "- one\n\nafter"),
        ("<ul><li></li></ul>after", "after"),
        ("<dl><dt>word<dd>meaning</dl>", "word\nmeaning"),
        (
            "<table><caption>Table</caption><tr><th>a<th>b<tr><td><p>1</p><td>2</table>",
            "Table\n\na | b\n1 | 2",
        ),
        (
            "<table><tr><td><h1>Title</h1><p>one<p>two</td></tr></table>",
            "# Title\n\none\n\ntwo",
        ),
        ("<pre>a  b\n  c\n</pre>", "a  b\n  c"),
        ("<blockquote><p>said<p>more</blockquote>", "> said\n\n> more"),
        ("a<script>b</script><style>c</style><noscript>d</noscript><!-- e -->f", "af"),
        ("a<p hidden>b</p><p style='display:none'>c</p>", "a"),
        ("&lt;b&gt; &amp; &#8212;&nbsp;x", "<b> & \u2014 x"),
    ],
)
def test_blocks_become_headings_paragraphs_items_and_rows(body: str, expected: str) -> None:
    assert text(body) == expected


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav>Home</nav>",
        "<header><a href='/'>Site</a></header>",
        "<footer>Imprint</footer>",
        "<aside>Adverts</aside>",
        "<div role=navigation>Home</div>",
        "<div class='cookie-banner'>We use cookies</div>",
        "<div id=sidebar>Adverts</div>",
        "<ul><li><a>Home</a><li><a>News</a><li><a>About</a></ul>",
    ],
)
@pytest.mark.parametrize("main", ["<main>{}</main>", "<article>{}</article>", "<div>{}</div>"])
def test_furniture_is_left_out(furniture: str, main: str) -> None:
    assert text(furniture + main.format(f"<p>{WORDS}</p>")) == WORDS


def test_all_articles_of_a_page_are_read_but_none_twice() -> None:
    body = f"<article>{WORDS}<article>A comment.</article></article><article>{WORDS}</article>"
    assert text(body) == f"{WORDS}\n\nA comment.\n\n{WORDS}"


def test_a_page_that_is_all_furniture_is_read_whole() -> None:
    assert text("<nav><p>Home<p>News</nav><aside>More</aside>") == "Home\n\nNews\n\nMore"


def test_a_main_part_that_is_hardly_any_of_the_page_is_not_taken_for_it() -> None:
    assert text(f"<main>Loading</main><div><p>{WORDS}</p></div>") == f"Loading\n\n{WORDS}"


def test_the_title_stands_above_a_text_without_one() -> None:
    head = "<title>The\n title</title>"
    assert text("<p>a", head) == "# The title\n\na"
    assert text("<h1>Own</h1>a", head) == "# Own\n\na"
    assert text("<h2>Part</h2>a", head) == "# The title\n\n## Part\n\na"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("<meta charset=gb2312>", "gb18030"),
        ("<meta http-equiv=Content-Type content='text/html; charset=big5'>", "big5"),
        ("<?xml version='1.0' encoding='gb18030'?><html>", "gb18030"),
        ("<meta charset=utf-16>", "utf-8"),
        ("", "utf-8"),
        ("", "utf-16"),
    ],
)
def test_a_page_says_its_encoding_itself(declared: str, encoding: str) -> None:
    page = f"{declared}<p>\u4e2d\u6587".encode(encoding)
    assert web_page.convert(page).text == "\u4e2d\u6587"
    assert web_page.convert("<meta charset=x>\u4e2d".encode("gb18030"), "gb18030").text == "\u4e2d"


def test_a_page_in_another_encoding_than_it_says_is_refused() -> None:
    with pytest.raises(Refused, match="not UTF-8 text"):
        web_page.convert(b"<meta charset=utf-8><p>\xff")
    with pytest.raises(Refused, match="not KLINGON text"):
        web_page.convert(b"<meta charset=klingon><p>x")


def test_a_page_that_never_closes_and_is_nested_deeply_is_read() -> None:
    assert text("<div><b>" * 5000 + "deep").endswith("deep")
    assert text("<p>a<ul><li>b<table><tr><td>c") == "a\n\n- b\n\nc"

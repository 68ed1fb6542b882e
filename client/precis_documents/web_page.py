"""Web pages: the main text without menus, banners and the like."""

import re
from collections.abc import Collection, Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from precis_documents._decode import decode, marked_encoding
from precis_documents._types import Converted

_DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding=[\"']([\w.:-]+)",
    re.IGNORECASE,
)
# What browsers read these names as.
_READ_AS = {"iso-8859-1": "windows-1252", "ascii": "windows-1252", "us-ascii": "windows-1252"}
_READ_AS |= {"latin1": "windows-1252", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030"}

_NEVER_TEXT = (
    "script, style, noscript, template, svg, math, iframe, object, canvas, audio, video, head, "
    "button, select, input, textarea, datalist, dialog, [hidden], "
    "[style*='display:none'], [style*='display: none']"
)
_FURNITURE = (
    "nav, aside, footer, [role=navigation], [role=banner], [role=contentinfo], [role=search], "
    "[role=complementary], [role=dialog], [role=alert], [aria-hidden=true]"
)
_FURNITURE_NAMES = re.compile(
    r"(^|[\s_-])(cookies?|consent|gdpr|breadcrumbs?|sidebar|navbar|menu|share|sharing|social"
    r"|newsletter|subscribe|related|recommended|advert(isement)?|ads?|promo|popup|modal|skip-?link"
    r"|mw-editsection|navbox|noprint)([\s_-]|$)",
    re.IGNORECASE,
)
_ANCHORS = ("#", "§", "¶")  # links of a heading to itself
_LEAST_SHARE = 0.3
_LINKS_MAKE_A_MENU = 0.8
# What no row of figures holds: the table is there to place text on the page.
_LAYOUT = "table, ul, ol, h1, h2, h3, h4, h5, h6, p ~ p, div ~ div"

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup",
    "hr", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot",
    "thead", "tr", "ul", *_HEADINGS,
}  # fmt: skip
# Those that follow each other without a blank line between.
_TIGHT = {"li": "item", "tr": "row", "dt": "term", "dd": "term"}


def convert(content: bytes, encoding: str | None = None) -> Converted:
    """Reads the page's main text; if hardly any of it is main text, all of its text."""
    parser = LexborHTMLParser(decode(content, encoding or _encoding(content)))
    title = _title(parser)
    if parser.body is None:
        return Converted("", title)
    never = {node.mem_id for node in parser.css(_NEVER_TEXT)}
    never |= {
        node.mem_id
        for node in parser.css(", ".join(f"{heading} a" for heading in _HEADINGS))
        if node.text(strip=True) in _ANCHORS
    }
    whole = _text(parser.body, never)
    main = _main_text(parser, never)
    text = main if len(main) >= _LEAST_SHARE * len(whole) else whole
    if text and title and not re.search(r"^# ", text, re.MULTILINE):
        text = f"# {title}\n\n{text}"
    return Converted(text, title)


def _encoding(content: bytes) -> str | None:
    if marked := marked_encoding(content):
        return marked
    declared = _DECLARED.search(content[:4096])
    if declared is None or content.startswith(b"\xef\xbb\xbf"):
        return None
    name = (declared[1] or declared[2]).decode("ascii", "replace").lower()
    return _READ_AS.get(name, name if not name.startswith("utf-16") else "utf-8")


def _title(parser: LexborHTMLParser) -> str:
    node = parser.css_first("title")
    return " ".join(node.text().split()) if node else ""


def _main_text(parser: LexborHTMLParser, never: set[int]) -> str:
    left_out = never | {node.mem_id for node in parser.css(_FURNITURE)}
    for node in parser.css("[class], [id]"):
        names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
        if node.tag not in ("html", "body", "main", "article") and _FURNITURE_NAMES.search(names):
            left_out.add(node.mem_id)
    left_out |= {node.mem_id for node in parser.css("ul, ol") if _is_menu(node)}
    left_out |= {
        node.mem_id
        for node in parser.css("header")
        if not node.css_first("h1") and not _is_inside(node, ("article", "main"), ())
    }
    roots = parser.css("main, [role=main]")[:1] or [
        node for node in parser.css("article") if not _is_inside(node, ("article",), left_out)
    ]
    inside = "\n\n".join(filter(None, (_text(root, left_out) for root in roots)))
    everything = _text(parser.body, left_out) if parser.body else ""
    return inside if len(inside) >= _LEAST_SHARE * len(everything) else everything


def _is_inside(node: LexborNode, tags: Collection[str], others: Collection[int]) -> bool:
    above = node.parent
    while above is not None:
        if above.tag in tags or above.mem_id in others:
            return True
        above = above.parent
    return False


def _is_menu(node: LexborNode) -> bool:
    links = node.css("a")
    in_links = sum(len(link.text(strip=True)) for link in links)
    return len(links) > 2 and in_links >= _LINKS_MAKE_A_MENU * len(node.text(strip=True))


def _text(root: LexborNode, left_out: Collection[int]) -> str:
    """Walks through the tree and writes its blocks down."""
    blocks = _Blocks()
    for node, begins in _walk(root, left_out):
        if node.tag == "-text":
            if begins:
                blocks.add(node.text_content or "")
        elif begins:
            blocks.begin(node)
        else:
            blocks.end(node.tag or "")
    blocks.flush()
    return blocks.text()


def _walk(root: LexborNode, left_out: Collection[int]) -> Iterator[tuple[LexborNode, bool]]:
    """Yields each node as it begins and as it ends, however deep they are nested."""
    node: LexborNode | None = root
    depth = 0
    while node is not None:
        is_left_out = depth > 0 and node.mem_id in left_out
        if not is_left_out:
            yield node, True
            if (child := node.first_child) is not None:
                node, depth = child, depth + 1
                continue
            yield node, False
        while depth > 0 and node is not None and node.next is None:
            node, depth = node.parent, depth - 1
            if node is not None:
                yield node, False
        if depth == 0 or node is None:
            return
        node = node.next


class _Blocks:
    """Collects text in blocks: paragraphs, headings, items of lists and rows of tables."""

    def __init__(self) -> None:
        self._written: list[tuple[str, str]] = []
        self._pieces: list[str] = []
        self._prefix = ""
        self._group = ""
        self._is_in_row = False
        self._quotes = 0
        self._preformatted = 0

    def add(self, text: str) -> None:
        """Adds running text to the block."""
        self._pieces.append(text if self._preformatted else re.sub(r"\s+", " ", text))

    def begin(self, node: LexborNode) -> None:
        """An element begins."""
        tag = node.tag or ""
        if tag == "br":
            self._pieces.append("\n")
        elif self._is_in_row:
            is_cell = tag in ("td", "th") and "".join(self._pieces).strip()
            self._pieces.append(" | " if is_cell else " " if tag in _BLOCKS else "")
        elif tag in _BLOCKS:
            self.flush()
            self._group = _TIGHT.get(tag, "")
            self._is_in_row = tag == "tr" and node.css_first(_LAYOUT) is None
            if tag in _HEADINGS:
                self._prefix = "#" * _HEADINGS[tag] + " "
            elif tag == "li":
                self._prefix = "- "
        self._quotes += tag == "blockquote"
        self._preformatted += tag == "pre"

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag == "tr":
            self._is_in_row = False
        if tag in _BLOCKS and not self._is_in_row:
            self.flush()
            self._prefix = ""
        self._quotes -= tag == "blockquote"
        self._preformatted -= tag == "pre"

    def flush(self) -> None:
        """Ends the block."""
        text = "".join(self._pieces)
        self._pieces.clear()
        if not self._preformatted:
            lines = (" ".join(line.split()) for line in text.splitlines())
            text = "\n".join(line for line in lines if line)
        text = text.strip("\n").rstrip()
        if not text.strip(" |"):
            return
        if self._prefix.startswith("#"):
            text = " ".join(text.split())
        text = self._prefix + text
        self._prefix = ""
        if self._quotes > 0:
            text = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
        self._written.append((text, self._group))

    def text(self) -> str:
        """Gives what was collected."""
        joined: list[str] = []
        last = ""
        for block, group in self._written:
            if joined:
                joined.append("\n" if group and group == last else "\n\n")
            joined.append(block)
            last = group
        return "".join(joined)

"""HTML's tags for blocks, for plain text that holds some: read as the Markdown that means the same.

This is no HTML parser. A page should be converted to text before; but people paste what has a few
`<p>` and `<h2>` in it, and those say where paragraphs and headings are. Each tag is replaced by
Markdown of exactly its length, so that every offset stays what it was. Tags inside a line, such as
`<b>`, stay as they are.
"""

import re

_TAG = re.compile(
    r"(?<!`)<(?P<close>/?)(?P<name>h[1-6]|p|div|br|hr|li|ul|ol|dl|dt|dd|tr|td|th|table|thead|tbody"
    r"|blockquote|pre|script|style|section|article|header|footer|main|nav|body|head|html|title)"
    r"(?=[\s/>])[^<>]{0,2000}>",
    re.IGNORECASE,
)
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6", "title"}
_NOT_PROSE = {"pre", "script", "style"}


def as_markdown(document: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with its block tags rewritten, as long as before, and where they stood."""
    if "<" not in document or _TAG.search(document) is None:
        return document, []
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    done = 0
    for match in _TAG.finditer(document):
        pieces += [document[done : match.start()], _markdown(match)]
        spans.append(match.span())
        done = match.end()
    pieces.append(document[done:])
    return "".join(pieces), spans


def _markdown(tag: re.Match[str]) -> str:
    name, is_opening = tag["name"].lower(), not tag["close"]
    if name in _NOT_PROSE:
        text = "\n~~~\n"
    elif name in _HEADINGS and is_opening:
        text = "\n\n# "
    elif name in ("li", "dd") and is_opening:
        text = "\n- "
    elif name in ("tr", "td", "th") and is_opening:
        text = "\n| "
    elif name == "br":
        text = "\n"
    else:
        text = "\n\n"
    return text.ljust(len(tag[0]))

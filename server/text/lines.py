"""What one line of plain text or Markdown looks like: a heading, a row, code, a list item.

Every function looks at one line (at a bounded beginning of it, where a pattern could be slow) and
knows nothing of its neighbours; blocks.py puts lines together.
"""

import re

LONGEST_HEADING = 120
_LONGEST_CODE_LINE = 400
_LONGEST_BEGINNING = 200

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN = re.compile(f"[{HAN}]")

_HEADING = re.compile(r"#{1,6}(?=\s|$)")
_UNDERLINE = re.compile(r"=+$|-+$")
_RULE = re.compile(r"[-=*_~+|#:·•—\s]{3,}$")
_LINK_TARGET = re.compile(r"\[[^\[\]]{1,100}\]:\s+\S+$")
_FENCE = re.compile(r"`{3,}(?!.*`)|~{3,}")
_ITEM = re.compile(
    r"(?P<bullet>[-*+•·‣◦▪\u2013—](?=\s)(?:\s\[[ xX]\](?=\s))?)"
    r"|(?P<number>\(?\d{1,3}[.)](?=\s)|\([a-zA-Z]{1,4}\)(?=\s)|[a-z][.)](?=\s)|[A-Z]\)(?=\s))"
    r"|(?P<wide>[(（][一二三四五六七八九十\d]{1,3}[)）]|[一二三四五六七八九十\d]{1,3}、|\d{1,3}\uff0e)"
)
_NAME = r"[^\W\d_][\w.'\u2019-]{0,30}"
_TURN = re.compile(
    rf"(?:[\[(][\d:.,\s]{{1,20}}[\])]\s?)?"
    rf"(?:(?=[^\W\d_]){_NAME}(?:\s{_NAME}){{0,3}}(?:\s?\d{{1,3}})?(?:\s\([^()]{{1,40}}\))?:(?=\s)"
    rf"|[{HAN}·]{{1,8}}：)"
)
_MAIL_HEADER = re.compile(
    r"(?:(?P<subject>Subject|主题)|From|To|Cc|Bcc|Date|Sent|Reply-To|Message-ID|In-Reply-To"
    r"|发件人|收件人|日期)[:：]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+\u2212]?[$€£¥]?\d[\d.,:/%-]*%?$")
_DIGIT = re.compile(r"\d")
_FIELDS = re.compile(r"[\s,;]+")
_TABS = re.compile(r"\S[ ]*\t+[ ]*(?=\S)")

_CODE = re.compile(
    r"""
      [)}\]]+[;,]?$
    | (?:async\s+def|def|class)\s+\w+.*:$ | (?:if|elif|for|while|with|except|else|try)\b.*:$
    | import\s+[\w.]+$ | from\s+[\w.]+\s+import\s | return\b(?:\s\S+)?$ | \#include\b
    | (?:const|let|var)\s+\w+\s*= | (?:func|fn)\s+\w+\( | (?:\$|>>>|%)\s\S
    | [\w.\[\]"']+\s*[-+*/|&:]?=\s*\S | [A-Za-z_][\w.]*\(.*\)$
    """,
    re.VERBOSE,
)

_SIGNS = frozenset("=[]<>{}")
_TERMINAL = frozenset(".!?…。！？；;:：｡\u06d4।؟")
_CLOSERS = "\"'\u201d\u2019」』）)]】》»*_"


def heading_mark(line: str) -> int:
    """How long the `#` signs in front of a Markdown heading are; 0 if it is none."""
    match = _HEADING.match(line) if line[0] == "#" else None
    return match.end() if match else 0


def wiki_heading_mark(line: str) -> int:
    """How long the `==` signs on each side of a heading are; 0 if it is none."""
    if line[0] != "=" or len(line) > LONGEST_HEADING:
        return 0
    before, after = (len(line) - len(rest) for rest in (line.lstrip("="), line.rstrip("=")))
    return before if before == after and 2 <= before <= 6 and 2 * before < len(line) else 0


def is_underline(line: str) -> bool:
    """Whether it makes the line above a heading."""
    return len(line) >= 3 and _UNDERLINE.match(line) is not None


def is_rule(line: str) -> bool:
    """Whether it only divides: `---`, `* * *`, the frame of a table."""
    return _RULE.match(line) is not None


def is_link_target(line: str) -> bool:
    """Whether it only says where a link of Markdown leads: `[name]: https://a.example`."""
    return line[0] == "[" and _LINK_TARGET.match(line) is not None


def fence(line: str) -> str:
    """The signs that open or close a block of code; "" if it does neither."""
    if not line.startswith(("```", "~~~")):
        return ""
    match = _FENCE.match(line[:_LONGEST_CODE_LINE])
    return match[0] if match else ""


def item_mark(line: str) -> int:
    """How long the mark in front of a list item is; 0 if there is none."""
    match = _ITEM.match(line[:_LONGEST_BEGINNING])
    return match.end() if match else 0


def begins_a_list(line: str) -> bool:
    """Whether its mark can also stand after a line of text: a bullet, or the first number."""
    match = _ITEM.match(line[:_LONGEST_BEGINNING])
    if match is None:
        return False
    return not match["number"] or match["number"].strip("().") in ("1", "a", "i", "A")


def is_turn(line: str) -> bool:
    """Whether somebody begins to speak: `ANNA: Hello`, `[00:12] Bob Lee: Yes`, `张三：好`."""
    match = _TURN.match(line[:_LONGEST_BEGINNING])
    if match is None:
        return False
    names = match[0].rstrip(":：").split("]")[-1]
    return all(word[0].isupper() or not word[0].isascii() for word in _words(names))


def is_mail_header(line: str) -> bool:
    """Whether it belongs to the head of a letter."""
    return _MAIL_HEADER.match(line) is not None


def subject_mark(line: str) -> int:
    """How long the name in front of a letter's subject is; 0 if it is another line."""
    match = _MAIL_HEADER.match(line)
    return match.end() if match and match["subject"] else 0


def is_row(line: str) -> bool:
    """Whether it is a row of a table: cells between bars or tabs, or numbers for the most part."""
    if line.startswith("|") or line.count("|") >= 2:
        return True
    beginning = line[: 5 * _LONGEST_BEGINNING]
    if "\t" in beginning and len(_TABS.findall(beginning)) >= 2:
        return True
    if not _DIGIT.search(beginning):
        return False
    fields = [field for field in _FIELDS.split(beginning) if field]
    numbers = sum(1 for field in fields if _NUMBER.match(field[:_LONGEST_BEGINNING]))
    return numbers >= 3 and 2 * numbers > len(fields)


def is_code(line: str) -> bool:
    """Whether it looks like a line of a program."""
    if len(line) > _LONGEST_CODE_LINE:
        return False
    if line[-1] in "{}" or (line[-1] == ";" and not _SIGNS.isdisjoint(line)):
        return True
    return _CODE.match(line) is not None


def is_finished(line: str) -> bool:
    """Whether a sentence, or what introduces a list, ends with it."""
    end = line[-4:].rstrip(_CLOSERS)
    return not end or end[-1] in _TERMINAL


def may_be_heading(line: str) -> bool:
    """Whether a line by itself reads like a heading: short, begun like a title, never finished."""
    if len(line) > LONGEST_HEADING or is_finished(line) or line[-1] in ",，、":
        return False
    if not (line[0].isupper() or line[0].isdigit() or _HAN.match(line[0])):
        return False
    has_letters = any(character.isalpha() for character in line)
    return has_letters and (len(line) <= 30 if _HAN.search(line) else len(line.split()) <= 12)


def is_continued(line: str, following: str) -> bool:
    """Whether a line break after an unfinished line only wraps it.

    In wrapped text lines are about as long as each other; a line by itself is a paragraph, a verse
    or a heading.
    """
    if following[0].islower() or line[-1] in ",，、-—":
        return True
    shortest = 20 if _HAN.match(line[-1]) else 45
    return (
        shortest <= len(line) <= 120
        and len(following) <= 120
        and 10 * len(line) >= 7 * len(following)
    )


def is_wrapped(line: str, following: str) -> bool:
    """Whether a paragraph may go on after a finished line, which is as long as wrapped ones are.

    After a colon only in lower case: what it introduces is a list as a rule.
    """
    if line[-1] in ":：;；":
        return following[0].islower()
    return 45 <= len(line) <= 120


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s()]+", text) if word and not word[0].isdigit()]

"""A small vocabulary in which everything that parts words occurs."""

from bundle.spelling import Spelling

TEXTS = [
    b"",  # special
    *(text.encode() for text in (" a", " b", "a", "B", " 1", "1", ".", " (", ",", "，")),
    *(text.encode() for text in ("的", "模", "的模", "的的的", "模型，a", " 的", "-", "\n")),
    *(text.encode() for text in (" A", " Ab", "b", " the", " The", "The", "5", " GPT", "É", "é")),
    # 中 and é in halves, a half with a space before it, and what is half of nothing.
    *(b"\xe4\xb8", b"\xad", b"\xc3", b" \xc3", b"\xa9", b"\xa9a", b"\xff"),
]
SPELLING = Spelling(len(TEXTS), TEXTS.__getitem__)


TINY_SPELLING = Spelling(40, lambda token: TEXTS[token % len(TEXTS)])
"""The same for the tiny networks of the tests, whose ids are below 40."""

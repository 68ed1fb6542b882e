"""Where sentences end, in English and in Chinese.

A rule of punctuation, not a model: a full stop ends a sentence when white space and then a capital,
a digit or an opening quotation mark follow, unless what stands before it is known to be short for
something. 。！？ end one wherever they stand. A line break always does.
"""

import re

_CLOSERS = "\"'\u201d\u2019」』）)\\]】》"
_END = re.compile(
    rf"[。！？]+[{_CLOSERS}]*"
    rf"|[.!?…]+[{_CLOSERS}]*(?=\s+[\"'\u201c\u2018(\[「『]*(?:[A-Z0-9]|[^\x00-\x7f]))"
    r"|\n+"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:[A-Z]|e\.g|i\.e|cf|vs|al|etc|approx|no|fig|figs|eq|eqs|sec|dr|mr|mrs|ms|prof"
    r"|st|u\.s|u\.k|jr|inc|ltd|co|vol|resp)\.$",
    re.IGNORECASE,
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in their order, white space around each removed."""
    found, start = [], 0
    for match in _END.finditer(text):
        if match[0].startswith(".") and _ABBREVIATION.search(text[start : match.start() + 1]):
            continue
        found.append(text[start : match.end()])
        start = match.end()
    found.append(text[start:])
    return [sentence.strip() for sentence in found if sentence.strip()]

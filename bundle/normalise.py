"""Text as the network saw it in training."""

import re
import unicodedata

# Single spaces, by far the most, are left as they are.
_WHITE_SPACE = re.compile(r"\s{2,}|[^\S ]")
_LINE_BREAK = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")  # those of str.splitlines
# White space among the control characters keeps its meaning.
_UNSEEN = {code: " " for code in [*range(0x20), 0x7F] if not chr(code).isspace()} | {0xFEFF: None}
_SPACES = re.compile("[ \t\u3000]+")


def normalise(text: str) -> str:
    """Brings a document into the form the network was trained on.

    Byte-order marks go and control characters count as spaces. Unicode NFC; each line break, with
    the white space around it, becomes one space; each other run of spaces, tabs and ideographic
    spaces becomes one space; white space at both ends goes.
    Applying it twice changes nothing, and it takes time in proportion to the text.
    """
    return _WHITE_SPACE.sub(
        _one_space, unicodedata.normalize("NFC", text.translate(_UNSEEN))
    ).strip()


def _one_space(run: re.Match[str]) -> str:
    # One match is one whole run of white space, so no run is scanned again from its middle.
    return " " if _LINE_BREAK.search(run[0]) else _SPACES.sub(" ", run[0])

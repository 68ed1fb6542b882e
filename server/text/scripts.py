"""Which script a text is written in, by Unicode ranges, and which languages are written in it."""

from bisect import bisect_right
from collections import Counter
from typing import NamedTuple


class Script(NamedTuple):
    """A script, the languages that are written in it, and its ranges of code points."""

    name: str
    languages: frozenset[str]
    ranges: tuple[tuple[int, int], ...]


def _script(name: str, languages: str, *ranges: tuple[int, int]) -> Script:
    return Script(name, frozenset(languages.split()), ranges)


HAN = _script("Chinese characters", "zh yue ja ko", (0x3400, 0x9FFF), (0xF900, 0xFAFF))
KANA = _script("Japanese", "ja", (0x3041, 0x30FA), (0xFF66, 0xFF9D))

# Languages by their ISO 639 codes: those that somebody may train a summariser on.
_SCRIPTS = [
    HAN,
    KANA,
    _script("Korean", "ko", (0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3)),
    _script("Cyrillic script", "ru uk bg be sr mk kk ky mn tg tt bs cv ce os", (0x400, 0x52F)),
    _script("Greek", "el", (0x370, 0x3FF), (0x1F00, 0x1FFF)),
    _script("Armenian", "hy", (0x530, 0x58F)),
    _script("Hebrew script", "he iw yi", (0x590, 0x5FF)),
    _script("Arabic script", "ar fa ur ps sd ug ckb ku az", (0x600, 0x6FF), (0x750, 0x77F)),
    _script("Devanagari script", "hi mr ne sa kok mai bho", (0x900, 0x97F)),
    _script("Bengali script", "bn as", (0x980, 0x9FF)),
    _script("Punjabi", "pa", (0xA00, 0xA7F)),
    _script("Gujarati", "gu", (0xA80, 0xAFF)),
    _script("Odia", "or", (0xB00, 0xB7F)),
    _script("Tamil", "ta", (0xB80, 0xBFF)),
    _script("Telugu", "te", (0xC00, 0xC7F)),
    _script("Kannada", "kn", (0xC80, 0xCFF)),
    _script("Malayalam", "ml", (0xD00, 0xD7F)),
    _script("Sinhala", "si", (0xD80, 0xDFF)),
    _script("Thai", "th", (0xE00, 0xE7F)),
    _script("Lao", "lo", (0xE80, 0xEFF)),
    _script("Tibetan", "bo dz", (0xF00, 0xFFF)),
    _script("Burmese", "my", (0x1000, 0x109F)),
    _script("Georgian", "ka", (0x10A0, 0x10FF)),
    _script("Amharic script", "am ti", (0x1200, 0x139F)),
    _script("Khmer", "km", (0x1780, 0x17FF)),
]
_BY_START = sorted((start, end, each) for each in _SCRIPTS for start, end in each.ranges)
_STARTS = [start for start, _, _ in _BY_START]


def count_letters(text: str) -> tuple[Counter[Script], int]:
    """How many letters of each script there are, and how many letters of any other, as of Latin."""
    found: Counter[Script] = Counter()
    others = 0
    # There are few different characters in a text, so that counting is all that takes time.
    for character, count in Counter(text).items():
        if not character.isalpha():
            continue
        script = _script_of(ord(character))
        if script is None:
            others += count
        else:
            found[script] += count
    return found, others


def _script_of(code: int) -> Script | None:
    place = bisect_right(_STARTS, code) - 1
    if place < 0 or code > _BY_START[place][1]:
        return None
    return _BY_START[place][2]

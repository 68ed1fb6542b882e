"""The numbers and names of a summary, and which of them its document does not hold.

A cheap test of faithfulness: what it finds missing may still be right (a sum, a rounded figure, an
acronym written out), and a figure that the document gives for something else passes. Numbers are
compared by value: 1,000 = 1000 = 1k = "1 thousand" = 1千 = 一千, 3万5千 = 35000, 5 % = 5 percent =
five per cent. Names are words with a capital letter that is no sentence's first, compared whatever
their case.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from model.data.sentences import split_sentences

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_UNITS = {name: value for value, name in enumerate(_SMALL[:10]) if value}
_SPELLED = {name: value for value, name in enumerate(_SMALL)}
_SPELLED |= {name: 10 * tens for tens, name in enumerate(_TENS, 2)}
_SPELLED |= {
    f"{name}-{unit}": 10 * tens + value
    for tens, name in enumerate(_TENS, 2)
    for unit, value in _UNITS.items()
}
_HAN_DIGITS = {"零": 0, "\u3007": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6}
_HAN_ZEROS = "零\u3007"
_HAN_DIGITS |= {"七": 7, "八": 8, "九": 9, "十": 10}
_MULTIPLIERS = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}
_MULTIPLIERS |= {"trillion": 10**12}
_HAN_UNITS = {"亿": 10**8, "万": 10**4, "千": 10**3, "百": 10**2, "十": 10}  # the largest first

_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?"
_WORDS = "|".join(sorted(_SPELLED, key=len, reverse=True))

# Chinese numerals, with digits of either script: 二十五, 3万5千, 1.2 万, 一万零五百, 3万亿.
_ONE = "[一二两三四五六七八九]"
_COUNT = rf"(?:(?:{_DIGITS})[\s-]?|{_ONE})"
_ZERO = "[零\u3007]?"
_ROUND = rf"(?:{_COUNT}千)?(?:{_ZERO}{_COUNT}百)?(?:{_ZERO}{_ONE}?十)?"  # below 万, in tens
_LARGE = rf"{_ROUND}(?:{_ZERO}{_COUNT})?"
# A lone 十 or 一 is a part of a word as a rule (十分, 一般), unless it is a share.
_HAN = rf"(?={_COUNT}[百千万亿]|{_ONE}十|十(?:{_ONE}|[万亿])|(?<=百分之)(?:{_ONE}|十))"
_HAN += rf"(?:{_LARGE}万?亿)?(?:{_ZERO}{_LARGE}万)?{_ZERO}{_ROUND}(?:{_ZERO}{_ONE})?"

_NUMBER = re.compile(
    rf"(?P<han_percent>百分之)?(?:(?P<han>{_HAN})|(?P<digits>{_DIGITS})|\b(?P<word>{_WORDS})\b)"
    r"(?P<scale>(?-i:[kKMB])(?![A-Za-z0-9]))?"
    r"(?:[\s-]?(?P<multiplier>(?:hundred|thousand|million|billion|trillion)\b))?"
    r"(?P<percent>\s?%|[\s-]per\s?cent(?:age)?\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z0-9À-ɏ]+(?:[-_.'][A-Za-z0-9À-ɏ]+)*")
_OPENERS = ':;"\u201c\u2018(\u2014\u2013'  # after these a sentence may begin


@dataclass(frozen=True)
class Number:
    """A value, and whether it counts hundredths."""

    value: Decimal
    percent: bool = False

    def __str__(self) -> str:
        return f"{self.value:f}{'%' if self.percent else ''}"


@dataclass(frozen=True)
class Facts:
    """What a summary claims, and what of that its document lacks."""

    numbers: int
    names: int
    unsupported_numbers: tuple[str, ...]
    unsupported_names: tuple[str, ...]


def compare_facts(document: str, summary: str, lang: str) -> Facts:
    """Look for each number and name of the summary in the document."""
    known_numbers = numbers_held(document)
    known_names = names_held(document)
    numbers = list(dict.fromkeys(numbers_claimed(summary)))
    names = list(dict.fromkeys(names_claimed(summary, lang)))
    return Facts(
        numbers=len(numbers),
        names=len(names),
        unsupported_numbers=tuple(str(n) for n in numbers if n not in known_numbers),
        unsupported_names=tuple(name for name in names if not _is_held(name, known_names)),
    )


def numbers_claimed(text: str) -> list[Number]:
    """The numbers that a text states; neither "one", a pronoun as a rule, nor a part of a name."""
    text = _plain(text)
    return [
        _number(match)
        for match in _NUMBER.finditer(text)
        if not _is_part_of_a_name(text, match) and (match["word"] or "").lower() != "one"
    ]


def numbers_held(text: str) -> set[Number]:
    """The numbers that a text can vouch for, those in names and single Chinese numerals too."""
    text = _plain(text)
    held = {_number(match) for match in _NUMBER.finditer(text)}
    return held | {Number(Decimal(value)) for sign, value in _HAN_DIGITS.items() if sign in text}


def names_claimed(text: str, lang: str) -> list[str]:
    """The words of a text that are names by their capitals, or by letters beside digits.

    In English a sentence's first word is taken for one only if a capital stands inside it, and so
    is every word of a text in title case. In Chinese any Latin word with a capital is a name.
    """
    text = _plain(text)
    claimed = []
    title = lang != "zh" and _is_title_case(text)
    for sentence in split_sentences(text):
        for match in _WORD.finditer(sentence):
            word = re.sub(r"'s$", "", match[0])
            before = sentence[: match.start()].rstrip()
            ordinary = lang != "zh" and (title or not before or before[-1] in _OPENERS)
            if _is_name(word, ordinary):
                claimed.append(word)
    return claimed


def names_held(text: str) -> set[str]:
    """Every Latin word of a text and its parts, in the form in which names are compared."""
    text = _plain(text)
    held = set()
    for match in _WORD.finditer(text):
        held.add(_key(match[0]))
        held.update(_key(part) for part in _parts(match[0]))
    return held


def _plain(text: str) -> str:
    """Full-width digits and letters as ASCII, and one kind of apostrophe."""
    return unicodedata.normalize("NFKC", text).replace("\u2019", "'")


def _number(match: re.Match[str]) -> Number:
    if match["han"]:
        value = _han_value(re.sub(r"[\s-]", "", match["han"]))
    elif match["digits"]:
        value = Decimal(match["digits"].replace(",", ""))
    else:
        value = Decimal(_SPELLED[match["word"].lower()])
    value *= _SCALES.get(match["scale"], 1)
    if match["multiplier"]:
        value *= _MULTIPLIERS[match["multiplier"].lower()]
    return Number(value.normalize() + 0, bool(match["percent"] or match["han_percent"]))


def _han_value(numeral: str) -> Decimal:
    """What stands before the largest unit times that unit, and what stands after it."""
    for sign, unit in _HAN_UNITS.items():
        before, found, after = numeral.rpartition(sign)
        if found:
            times = _han_value(before) if before.strip(_HAN_ZEROS) else 1  # 十五 is 15
            return times * unit + _han_value(after)
    numeral = numeral.strip(_HAN_ZEROS)
    return Decimal(_HAN_DIGITS.get(numeral) or numeral.replace(",", "") or 0)


def _is_part_of_a_name(text: str, match: re.Match[str]) -> bool:
    """GPT-4, v2.1 and 3D are names, 2019-2020, 10x and 7B are not."""
    if not re.match(r"\d", match["han"] or match["digits"] or ""):
        return False
    before, after = text[: match.start()][-2:], text[match.end() :][:1]
    return bool(re.search(r"[A-Za-z][-_.]?$", before) or re.match("[A-Z]", after))


def _is_title_case(text: str) -> bool:
    """Whether most of the longer words begin with a capital, as in an English headline.

    The first word and those that have capitals inside say nothing about that.
    """
    telling = [
        word for word in _WORD.findall(text)[1:] if len(word) > 3 and not _is_name(word, True)
    ]
    return len(telling) > 1 and sum(word[0].isupper() for word in telling) > len(telling) / 2


def _is_name(word: str, ordinary: bool) -> bool:
    """`ordinary`: a capital at the beginning says nothing here."""
    telling = [part for part in _parts(word) if not re.fullmatch(r"\d+[kKMB]?", part)]  # not 1.7M
    capitals = [part for part in telling if part != part.lower()]
    if word == "I" or not capitals:
        return False
    inside = any(part[1:] != part[1:].lower() for part in capitals)
    return not ordinary or inside or any(character.isdigit() for character in word)


def _is_held(name: str, held: set[str]) -> bool:
    """As a whole; or, if no digit tells it from its kin, in the parts that have capitals."""
    if _key(name) in held:
        return True
    if any(character.isdigit() for character in name):
        return False
    return all(_key(part) in held for part in _parts(name) if part != part.lower())


def _parts(word: str) -> Iterator[str]:
    return (part for part in re.split(r"[-_.']", word) if part)


def _key(word: str) -> str:
    """LLMs = LLM, GPT-4 = GPT4, Transformer's = transformer."""
    word = re.sub(r"'s$", "", word).casefold()
    return re.sub(r"[-_.']", "", word).removesuffix("s")

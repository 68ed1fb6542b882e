"""Where sentences end inside a block of text, in English, in Chinese and in both mixed.

A rule of punctuation, not a model. It decides by what stands around a mark:

- 。！？ and the stops of other scripts end a sentence wherever they stand, ； only a long one.
- . ! ? … end one if white space follows and then something that can begin a sentence: a capital, a
  digit, a quotation mark, a letter of a script without capitals.
- A full stop after an abbreviation, an initial or the number of a list item ends none, unless the
  abbreviation is one that may end a sentence ("etc.", "U.S.") and a word follows that begins many
  ("The", "It").

Closing quotation marks, brackets and footnote numbers in brackets belong to what they follow.
"""

import re
from collections.abc import Iterator

_CLOSERS = "\"'\u201d\u2019\u300d\u300f\uff09)\\]\u3011\u300b\u00bb"
_MARK = re.compile(
    "(?P<wide>[。！？｡؟\u06d4।॥]+[。！？｡!?…]*)|(?P<clause>；)|(?P<latin>[.!?…‽]+)",
)
_AFTER = re.compile(rf"(?:[{_CLOSERS}]|\[\d{{1,3}}\])*")
_SPACE = re.compile(r"\s*")
_OPENERS = frozenset("\"'\u201c\u2018([{「『（【《«¿¡*_`\u2014\u2013-#$€£¥@&+")
_WORD = re.compile(r"[^\W_]+")

# A clause in Chinese may be a sentence in length; shorter ones stay with what follows.
_LONG_CLAUSE = 40
# No abbreviation in the lists is longer; it bounds how far back anyone looks.
_LONGEST_WORD = 12

# Always followed by the rest of their sentence.
_TITLES = frozenset(
    "dr mr mrs ms mx prof st mt gen sen rep gov pres capt cmdr lt col maj sgt rev hon messrs mme "
    "mlle e.g i.e eg ie cf vs viz ca c.f approx resp esp incl".split()
)
# Abbreviations only before a number.
_COUNTED = frozenset(
    "no nos nr fig figs eq eqs sec secs sect ch chap chaps vol vols p pp art par para tab tbl ref "
    "refs app ver v jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# May end a sentence, and then a word begins the next one that begins many.
_EITHER = frozenset(
    "al etc inc ltd co corp bros jr sr dept univ est ave blvd rd u.s u.k u.n e.u a.m p.m ph.d b.c "
    "a.d d.c vs.".split()
)
_BEGINNERS = frozenset(
    "the this that these those a an in on at for it its he she they we i you there here when while "
    "after before if as but and however although since from to with by some many most all both our "
    "their his her what why how who where then thus therefore moreover furthermore meanwhile "
    "finally also yet nevertheless instead another each every no not".split()
)


def sentence_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The sentences of text[start:end], in order, without the white space around each."""
    begin = _skip(text, start, end)
    for mark in _MARK.finditer(text, start, end):
        if mark.start() < begin:
            continue
        after = _AFTER.match(text, mark.end(), end)
        stop = after.end() if after else mark.end()
        if stop < end and _ends(text, begin, mark, stop, end):
            yield begin, stop
            begin = _skip(text, stop, end)
    if begin < end:
        while text[end - 1].isspace():
            end -= 1
        yield begin, end


def _skip(text: str, place: int, end: int) -> int:
    space = _SPACE.match(text, place, end)
    return space.end() if space else place


def _ends(text: str, begin: int, mark: re.Match[str], stop: int, end: int) -> bool:
    """Whether the sentence from `begin` on ends with this mark and the closers up to `stop`."""
    if mark["wide"]:
        return True
    if mark["clause"]:
        return stop - begin >= _LONG_CLAUSE
    following = _skip(text, stop, end)
    if following == stop:
        return _ends_without_space(text, mark, stop)
    if following < end and not _can_begin(text, following):
        return False
    is_one_stop = mark[0] == "." and stop == mark.end()
    return not (is_one_stop and _is_abbreviation(text, begin, mark.start(), following))


def _ends_without_space(text: str, mark: re.Match[str], stop: int) -> bool:
    """Before Chinese no space stands: "真的?是", "他来了.我走了", but not "等等…好" and "3.中"."""
    if not _is_han(text[stop]):
        return False
    if stop > mark.end():
        return True
    return mark[0][0] != "…" and (mark[0] != "." or _is_han(text[mark.start() - 1]))


def _can_begin(text: str, place: int) -> bool:
    character = text[place]
    if character.islower():
        # Names such as iPhone.
        return text[place + 1 : place + 2].isupper()
    return character.isalnum() or character in _OPENERS or ord(character) > 0x2FFF


def _is_abbreviation(text: str, begin: int, dot: int, following: int) -> bool:
    word = text[_word_before(text, begin, dot) : dot]
    if not word:
        return False
    if word.isdigit():
        # "1. Mix the flour": the number of a list item, not a sentence of its own.
        return len(word) <= 3 and text[begin:dot] == word
    lower = word.lower()
    if lower in _TITLES:
        return True
    follower = text[following : following + 1]
    if lower in _COUNTED:
        return follower.isdigit() or (follower.isupper() and lower in ("fig", "eq", "sec"))
    is_initial = len(word) == 1 and word.isupper()
    has_inner_stops = "." in word and all(len(part) == 1 for part in word.split("."))
    if not (is_initial or has_inner_stops or lower in _EITHER):
        return False
    next_word = _WORD.match(text, following)
    if next_word is None:
        return lower == "al" and follower in "(["
    if next_word[0].isdigit():
        return lower not in ("a.m", "p.m")
    return next_word[0].lower() not in _BEGINNERS or (next_word[0] == "I" and is_initial)


def _word_before(text: str, begin: int, dot: int) -> int:
    """Where the letters, digits and inner full stops before a full stop start."""
    lowest = max(begin, dot - _LONGEST_WORD)
    place = dot
    while place > lowest and (text[place - 1].isalnum() or text[place - 1] == "."):
        place -= 1
    return place


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"

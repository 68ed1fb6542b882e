"""Text as the network saw it in training, and the way back to the text that it was made of."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Single spaces, by far the most, are left as they are.
_WHITE_SPACE = re.compile(r"\s{2,}|[^\S ]")
_LINE_BREAK = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")  # those of str.splitlines
# White space among the control characters keeps its meaning.
_UNSEEN = {code: " " for code in [*range(0x20), 0x7F] if not chr(code).isspace()} | {0xFEFF: None}
_BYTE_ORDER_MARK = "\ufeff"
_SPACES = re.compile("[ \t\u3000]+")
# No character before this one ever combines with what stands in front of it.
_FIRST_MARK = "\u0300"


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


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text that knows where each of its characters came from."""

    text: str
    # What became text[i] is original[starts[i] : ends[i]].
    starts: Sequence[int]
    ends: Sequence[int]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that became text[start:end], which must not be empty."""
        return self.starts[start], self.ends[end - 1]

    def back_to(self, earlier: "Normalised") -> "Normalised":
        """The same text, led back to the original of the text that it was made of."""
        return Normalised(
            self.text,
            [earlier.starts[place] for place in self.starts],
            [earlier.ends[place - 1] for place in self.ends],
        )

    def image(self, start: int, end: int) -> tuple[int, int]:
        """What original[start:end] became."""
        return bisect_left(self.starts, start), bisect_left(self.starts, end)


def normalised(text: str) -> Normalised:
    """Does what normalise() does, and remembers where everything came from.

    Characters that were composed, or put in another order, each come from all of them.
    """
    found = _whole(text.translate(_UNSEEN), text)
    if not unicodedata.is_normalized("NFC", found.text):
        found = _replaced(found, _compositions(found.text))
    found = _replaced(found, _spaces(found.text))
    start = len(found.text) - len(found.text.lstrip())
    stop = start + len(found.text.strip())
    return Normalised(found.text[start:stop], found.starts[start:stop], found.ends[start:stop])


_Change = tuple[int, int, str]
"""Where a stretch starts and ends, and what stands in its place."""


def _one_space(run: re.Match[str]) -> str:
    # One match is one whole run of white space, so no run is scanned again from its middle.
    return " " if _LINE_BREAK.search(run[0]) else _SPACES.sub(" ", run[0])


def _whole(text: str, original: str) -> Normalised:
    """The original without its byte-order marks."""
    starts: Sequence[int] = range(len(original))
    if len(text) < len(original):
        starts = [place for place in starts if original[place] != _BYTE_ORDER_MARK]
    return Normalised(text, starts, [place + 1 for place in starts])


def _replaced(before: Normalised, changes: Iterable[_Change]) -> Normalised:
    """Replaces stretches, in order; each new character came from the whole stretch."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    for start, end, new in changes:
        text += before.text[place:start], new
        starts += before.starts[place:start]
        ends += before.ends[place:start]
        starts += [before.starts[start]] * len(new)
        ends += [before.ends[end - 1]] * len(new)
        place = end
    text.append(before.text[place:])
    starts += before.starts[place:]
    ends += before.ends[place:]
    return Normalised("".join(text), starts, ends)


def _spaces(text: str) -> Iterable[_Change]:
    for run in _WHITE_SPACE.finditer(text):
        if _LINE_BREAK.search(run[0]):
            yield *run.span(), " "
            continue
        for spaces in _SPACES.finditer(text, *run.span()):
            yield *spaces.span(), " "


def _compositions(text: str) -> Iterable[_Change]:
    """The stretches that NFC changes, each as short as it can be told."""
    start = 0
    for place in range(1, len(text) + 1):
        if place < len(text) and not _begins(text, start, place):
            continue
        stretch = text[start:place]
        composed = unicodedata.normalize("NFC", stretch)
        if composed != stretch:
            yield start, place, composed
        start = place


def _begins(text: str, start: int, place: int) -> bool:
    """Whether nothing from here on combines with text[start:place]."""
    character = text[place]
    if character < _FIRST_MARK:
        return True
    if unicodedata.combining(unicodedata.normalize("NFD", character)[0]):
        return False
    before = text[start:place]
    apart = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", character)
    return unicodedata.normalize("NFC", before + character) == apart

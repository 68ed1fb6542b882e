"""What each token of a vocabulary adds to a text."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from bundle.facts import Ordinary, is_telling
from bundle.words import Kind, Segment, segments

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_SPACE = "\u2581"  # how SentencePiece writes a space
_LEAST_HAN_BYTE = 0xE3  # no Han character begins with a lower one in UTF-8


class Spelling:
    """The text of every token, with the space before a word as part of it."""

    def __init__(self, vocab_size: int, spell: Callable[[int], bytes]) -> None:
        """spell: what an id adds, in UTF-8, perhaps half a character; a special token nothing."""
        self._vocab_size, self._spell = vocab_size, spell
        self._texts: dict[int, bytes] = {}
        self._segments: dict[int, tuple[Segment, ...] | None] = {}
        self._telling: dict[int, bool] = {}

    def text(self, token: int) -> bytes:
        """What a token adds; an id that the tokenizer does not have adds nothing."""
        if token not in self._texts:
            self._texts[token] = self._spell(token) if token < self._vocab_size else b""
        return self._texts[token]

    def segments(self, token: int) -> tuple[Segment, ...] | None:
        """What its text consists of; None where that is not whole characters."""
        if token not in self._segments:
            try:
                self._segments[token] = segments(self.text(token).decode())
            except UnicodeDecodeError:
                self._segments[token] = None
        return self._segments[token]

    def is_telling(self, token: int) -> bool:
        """Whether there is a capital or a digit in its text."""
        if token not in self._telling:
            self._telling[token] = is_telling(self.text(token).decode(errors="ignore"))
        return self._telling[token]

    def ends_a_word(self, token: int) -> bool:
        """Whether it begins with what no word goes on with: a gap, or a Han character."""
        beginning = segments(self.text(token).decode(errors="ignore")[:1])
        return bool(beginning) and beginning[0][0] is not Kind.OTHER

    def beginning_with(self, characters: str) -> Sequence[int]:
        """The tokens that begin with these Han characters, whether after a gap or not."""
        return self._by_beginning.get(characters, ())

    @cached_property
    def most_han(self) -> int:
        """Most Han characters that a token begins with."""
        return max(map(len, self._by_beginning), default=0)

    def text_of(self, tokens: Iterable[int]) -> str:
        """What tokens add together; what is no whole character is replaced."""
        return b"".join(map(self.text, tokens)).decode(errors="replace")

    @cached_property
    def ordinary(self) -> Ordinary:
        """Words in small letters that are one token after a space, so none of them is rare."""
        spelled = (self._spell(token) for token in range(self._vocab_size))
        texts = (each[1:].decode(errors="replace") for each in spelled if each[:1] == b" ")
        return Ordinary(text for text in texts if text.isalpha() and text.islower())

    @cached_property
    def _by_beginning(self) -> Mapping[str, Sequence[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for token in range(self._vocab_size):
            text = self._spell(token)
            if max(text, default=0) < _LEAST_HAN_BYTE:
                continue
            stretches = iter(segments(text.decode(errors="replace")))
            kind, stretch = next(stretches)
            if kind is Kind.GAP:
                kind, stretch = next(stretches, (kind, stretch))
            if kind is Kind.HAN:
                for end in range(1, len(stretch) + 1):
                    found[stretch[:end]].append(token)
        return found


def byte_level_text(token: str) -> bytes:
    """The text of a token of byte-level BPE, which writes every byte as a character."""
    try:
        return bytes(map(_BYTES.__getitem__, token))
    except KeyError:  # a token that was added by hand, in characters that stand for no byte
        return token.encode()


def sentencepiece_text(token: str, *, has_byte_tokens: bool) -> bytes:
    """The text of a token of SentencePiece; byte tokens are those such as <0xE4>."""
    if has_byte_tokens and (byte := _BYTE.fullmatch(token)):
        return bytes([int(byte[1], 16)])
    return token.replace(_SPACE, " ").encode()


def _byte_characters() -> dict[str, int]:
    """Printable characters stand for their own byte, those from U+0100 on for the others."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(0x100) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {
        chr(0x100 + place): byte for place, byte in enumerate(hidden)
    }


_BYTES = _byte_characters()

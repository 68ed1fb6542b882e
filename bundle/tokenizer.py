"""tokenizer.json: text to ids and back, whole or as it is written."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.decoders import Decoder, DecodeStream

from bundle.errors import BundleError
from bundle.spelling import Spelling, byte_level_text, sentencepiece_text


class BundleTokenizer:
    """Wraps the `tokenizers` library with the two rules that a service needs.

    Text from a caller never becomes a special token: a document that contains "</s>" or
    "<headline>" is text. Streamed text joined together equals the text decoded at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise BundleError(path, f"not a tokenizer.json that can be read: {error}") from error
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._parts: dict[str, Any] = json.loads(self._tokenizer.to_str())
        _part_special_texts(self._tokenizer, self._parts)
        _decode_bytes_one_by_one(self._tokenizer, self._parts)

    def __reduce__(self) -> Any:
        """Another process reads the file again: the library's own copy lacks some settings."""
        return BundleTokenizer, (self._path,)

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones counted."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def longest_token_bytes(self) -> int | None:
        """Most bytes of text that one token can stand for; None if there is no such bound.

        Only where every byte of a (normalised) text comes out as part of a token is there one:
        elsewhere a stretch of any length may be dropped, or become one unknown token.
        """
        is_lossless = _is_byte_level(self._parts) and self._parts["model"]["unk_token"] is None
        if not is_lossless or (self._parts["normalizer"] or {"type": "NFC"})["type"] != "NFC":
            return None
        return max(len(token.encode()) for token in self._tokenizer.get_vocab())

    @cached_property
    def spelling(self) -> Spelling:
        """What each id adds to a text."""
        special = self._special_ids
        is_byte_level = _is_byte_level(self._parts)
        has_byte_tokens = _has_byte_fallback(self._parts)

        def spell(token: int) -> bytes:
            spelled = self._tokenizer.id_to_token(token)
            if spelled is None or token in special:
                return b""
            if is_byte_level:
                return byte_level_text(spelled)
            return sentencepiece_text(spelled, has_byte_tokens=has_byte_tokens)

        return Spelling(self.vocab_size, spell)

    @cached_property
    def _special_ids(self) -> set[int]:
        return {token["id"] for token in self._parts["added_tokens"] if token["special"]}

    def encode(self, text: str) -> list[int]:
        """Turns text into ids, without any special token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each token of a text stands in it; each part of a character has the whole."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def spans_of(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Where each id stands in the text that decode() makes of them.

        Ids that share a character have one span; an id that adds no text has an empty one.
        """
        stream, special = self.stream(), self._special_ids
        found: list[tuple[int, int]] = []
        start, num_open = 0, 0
        for each in ids:
            num_open += 1
            piece = stream.push(each)
            if not piece and each not in special:
                continue  # a part of a character, or nothing: the next piece tells
            end = start + len(piece)
            found += [(start, end)] * num_open
            start, num_open = end, 0
        return [*found, *[(start, len(self.decode(ids)))] * num_open]

    def end_of(self, text: str, num_tokens: int) -> int:
        """How many characters of a text that many tokens hold whole."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        if len(offsets) <= num_tokens:
            return len(text)
        # Of a character that is several tokens each has the whole, so the next may begin earlier.
        return int(min(offsets[num_tokens][0], offsets[num_tokens - 1][1]))

    def decode(self, ids: Sequence[int]) -> str:
        """Turns ids into text, special tokens left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def stream(self) -> "TextStream":
        """Begins to turn ids into text one by one."""
        return TextStream(self._tokenizer)


class TextStream:
    """Turns ids into text as they come, holding back the bytes of an unfinished character."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = DecodeStream(skip_special_tokens=True)

    def push(self, token_id: int) -> str:
        """Returns the text that this id completes; empty while a character is unfinished."""
        return self._decoder.step(self._tokenizer, token_id) or ""


def _part_special_texts(tokenizer: Tokenizer, parts: dict[str, Any]) -> None:
    """Keep the model from finding special tokens in text.

    `encode_special_tokens` has them treated as text, but a Unigram model finds any text that its
    vocabulary holds, "</s>" and "<0x0A>" not excepted. So each is parted after its first
    character before the model sees it. (Byte-level BPE has no merge that leads to one.)
    """
    if _is_byte_level(parts):
        return
    texts = [token["content"] for token in parts["added_tokens"] if token["special"]]
    found = [f"{re.escape(text[0])}(?={re.escape(text[1:])})" for text in texts if len(text) > 1]
    if _has_byte_fallback(parts):
        found.append("<(?=0x[0-9A-F]{2}>)")
    if found:
        cut = pre_tokenizers.Split(Regex("|".join(found)), "merged_with_previous")
        before = [tokenizer.pre_tokenizer] if tokenizer.pre_tokenizer else []
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*before, cut])


def _decode_bytes_one_by_one(tokenizer: Tokenizer, parts: dict[str, Any]) -> None:
    """Make what a byte token decodes to independent of the bytes after it.

    The library's ByteFallback turns a whole run of byte tokens into replacement characters if
    any of them is wrong, also those that a stream has given out already.
    """
    if _has_byte_fallback(parts):
        tokenizer.decoder = Decoder.custom(_JoinedBytes(tokenizer.decoder))


class _JoinedBytes:
    """Joins runs of byte tokens such as <0xE4> into text, and leaves the rest to `decoder`."""

    _BYTE = re.compile(r"<0x([0-9A-F]{2})>")

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def decode_chain(self, tokens: list[str]) -> list[str]:
        """Called by the library with the tokens, for the pieces of text."""
        joined: list[str] = []
        run = bytearray()
        for token in tokens:
            if byte := self._BYTE.fullmatch(token):
                run.append(int(byte[1], 16))
                continue
            joined += [*self._flush(run), token]
        joined += self._flush(run)
        return [self._decoder.decode(joined)]

    @staticmethod
    def _flush(run: bytearray) -> list[str]:
        text = run.decode("utf-8", errors="replace")
        run.clear()
        return [text] if text else []


def _is_byte_level(parts: dict[str, Any]) -> bool:
    """Whether the model is BPE over bytes, so that it has a token for every text."""
    return parts["model"]["type"] == "BPE" and "ByteLevel" in _types(parts["pre_tokenizer"])


def _has_byte_fallback(parts: dict[str, Any]) -> bool:
    return "ByteFallback" in _types(parts["decoder"])


def _types(part: dict[str, Any] | None) -> set[str]:
    """The kinds of a normaliser, pre-tokenizer or decoder and of all in its sequence."""
    if part is None:
        return set()
    inner = part.get("pretokenizers") or part.get("decoders") or []
    return {str(part["type"]), *(kind for one in inner for kind in _types(one))}

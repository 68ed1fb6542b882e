"""tokenizer.json: text to ids and back, whole or as it is written."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream
from tokenizers.models import BPE

from bundle.errors import BundleError


class BundleTokenizer:
    """Wraps the `tokenizers` library with the two rules that a service needs.

    Text from a caller never becomes a special token: a document that contains "</s>" or
    "<headline>" is text. Streamed text joined together equals the text decoded at once.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise BundleError(path, f"not a tokenizer.json that can be read: {error}") from error
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones counted."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def longest_token_bytes(self) -> int | None:
        """Most bytes of text that one token can stand for; None if there is no such bound."""
        model = self._tokenizer.model
        if not isinstance(model, BPE) or model.unk_token is not None:
            return None  # an unknown stretch of any length may become one token
        return max(len(token.encode()) for token in self._tokenizer.get_vocab())

    def encode(self, text: str) -> list[int]:
        """Turns text into ids, without any special token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

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

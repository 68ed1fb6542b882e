"""Tokens to text as they come. The pieces joined together are the summary, to the letter."""

from collections.abc import Sequence

from bundle.tokenizer import BundleTokenizer


class Detokeniser:
    """Holds back half characters, and white space until more follows; drops it at both ends."""

    def __init__(self, tokenizer: BundleTokenizer) -> None:
        self._tokenizer = tokenizer
        self._stream = tokenizer.stream()
        self._tokens: list[int] = []
        self._emitted = ""
        self._held_back = ""

    @property
    def text(self) -> str:
        """All that was given out so far."""
        return self._emitted

    @property
    def num_tokens(self) -> int:
        """Tokens taken in so far."""
        return len(self._tokens)

    def push(self, token: int) -> str:
        """Takes a token and returns the text that may be shown now, often none."""
        self._tokens.append(token)
        return self._emit(self._stream.push(token))

    def hold(self, tokens: Sequence[int]) -> None:
        """Takes tokens whose text nobody waits for until finish() gives all of it at once."""
        self._tokens += tokens

    def finish(self) -> str:
        """Returns what is left: a character that the model never completed becomes U+FFFD."""
        whole = whole_text(self._tokenizer, self._tokens)
        rest = whole[len(self._emitted) :] if whole.startswith(self._emitted) else ""
        self._emitted += rest
        return rest

    def _emit(self, piece: str) -> str:
        ready = self._held_back + piece
        if not self._emitted:
            ready = ready.lstrip()
        shown = ready.rstrip()
        self._held_back = ready[len(shown) :]
        self._emitted += shown
        return shown


def whole_text(tokenizer: BundleTokenizer, tokens: Sequence[int]) -> str:
    """The text of a complete summary."""
    return tokenizer.decode(tokens).strip()

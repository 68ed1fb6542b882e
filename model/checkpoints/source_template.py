"""What stands around a document when the encoder reads it: <s> document </s>, and the like.

Each family has its own custom, and mBART one for each language, so nothing is written down here:
an ordinary word is encoded as the checkpoint's own tokenizer would, and what stands around it is
the template.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.network.config import ConfigError

_ORDINARY = "word"


@dataclass(frozen=True)
class SourceTemplate:
    """Ids before and after the document's own, and text that belongs before the document.

    The text, such as T5's "summarize: ", is tokenised together with the document, as in training:
    taken apart, a byte-level tokenizer would split the document's first word differently.
    """

    prefix_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    prefix_text: str = ""

    @property
    def added_tokens(self) -> int:
        """How many positions the ids around the document take."""
        return len(self.prefix_ids) + len(self.suffix_ids)

    def document_ids(self, tokenizer: BundleTokenizer, document: str) -> list[int]:
        """The normalised document's ids, those of the text before it included."""
        return tokenizer.encode(self.prefix_text + normalise(document))

    def wrap(self, document_ids: Sequence[int]) -> list[int]:
        """What the encoder reads."""
        return [*self.prefix_ids, *document_ids, *self.suffix_ids]


def read_source_template(
    tokenizer_file: Path, end_id: int, prefix_text: str = ""
) -> SourceTemplate:
    """The template of a tokenizer.json.

    One that puts nothing around a document (it has no post-processor) leaves the end token, which
    every family's encoder has read after each document, to us.

    Raises `ConfigError` for a text that spells a special token, such as the ">>fra<<" by which a
    Marian of many languages is told which to write: it would be read as text (see
    `BundleTokenizer`), and mean nothing to the network.
    """
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    special = [
        token.content
        for token in tokenizer.get_added_tokens_decoder().values()
        if token.special and token.content in prefix_text
    ]
    if special:
        raise ConfigError(
            f"the prefix {prefix_text!r} spells the special token {special[0]!r}; only plain text "
            "can stand before a document, and the special tokens of the tokenizer's own template"
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    bare = tokenizer.encode(_ORDINARY, add_special_tokens=False).ids
    whole = tokenizer.encode(_ORDINARY, add_special_tokens=True).ids
    if whole == bare:
        return SourceTemplate((), (end_id,), prefix_text)
    starts = range(len(whole) - len(bare) + 1)
    start = next((i for i in starts if whole[i : i + len(bare)] == bare), None)
    if start is None:
        raise ValueError(
            f"{tokenizer_file}: special tokens change the tokens of a document: "
            f"{_ORDINARY!r} alone is {bare}, with them {whole}"
        )
    return SourceTemplate(tuple(whole[:start]), tuple(whole[start + len(bare) :]), prefix_text)

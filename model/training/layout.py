"""How a document and a summary become what the encoder reads and the decoder should say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.config import ModelConfig


@dataclass(frozen=True)
class Layout:
    """A checkpoint's tokenizer and the ids that stand around its texts.

    A model with styles reads [style] document </s>. Any other reads what its family puts around a
    document, and a task prefix such as "summarize: " before it. What the decoder should say is the
    summary and </s>; the ids before a document, BART's <s> say, stand before a summary too.
    """

    tokenizer: BundleTokenizer
    end_id: int
    style_ids: dict[str, int]
    prefix_text: str = ""
    prefix_ids: tuple[int, ...] = ()
    suffix_ids: tuple[int, ...] = ()

    @property
    def added_tokens(self) -> int:
        """How many tokens stand around a document."""
        return (1 if self.style_ids else len(self.prefix_ids)) + len(self.suffix_ids)

    def document_ids(self, document: str) -> list[int]:
        """The tokens of a document."""
        return self.tokenizer.encode(self.prefix_text + normalise(document))

    def summary_ids(self, summary: str) -> list[int]:
        """The tokens of a summary."""
        return self.tokenizer.encode(normalise(summary))

    def source(self, document_ids: Sequence[int], style: str) -> list[int]:
        """What the encoder reads. Raises ValueError for a style that the model does not know."""
        if not self.style_ids:
            return [*self.prefix_ids, *document_ids, *self.suffix_ids]
        if style not in self.style_ids:
            known = ", ".join(sorted(self.style_ids))
            raise ValueError(f"unknown style {style!r}; the model knows {known}")
        return [self.style_ids[style], *document_ids, *self.suffix_ids]

    def target(self, summary_ids: Sequence[int], ended: bool = True) -> list[int]:
        """What the decoder should say; without the end token where the summary was cut."""
        before = () if self.style_ids else self.prefix_ids
        return [*before, *summary_ids, *([self.end_id] if ended else [])]


def read_layout(checkpoint: Path, config: ModelConfig) -> Layout:
    """The layout of a checkpoint directory."""
    return Layout(
        BundleTokenizer(checkpoint / "tokenizer.json"),
        config.end_id,
        dict(config.style_token_ids),
        suffix_ids=(config.end_id,),
    )

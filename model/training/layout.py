"""How a document and a summary become what the encoder reads and the decoder should say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.checkpoints.checkpoint import never_emitted_ids
from model.checkpoints.generation_defaults import read_generation_defaults
from model.checkpoints.source_template import SourceTemplate, read_source_template
from model.decoding.decoding_options import GreedyOptions
from model.evaluation.decoding import scoring_options
from model.network.config import ModelConfig


@dataclass(frozen=True)
class Layout:
    """A checkpoint's tokenizer and what stands around its texts.

    A model with styles reads [style] document </s>. Any other reads what its family puts around a
    document, and text such as "summarize: " before it. What the decoder should say is the summary
    and </s>; the ids before a document, BART's <s> say, stand before a summary too.
    """

    tokenizer: BundleTokenizer
    template: SourceTemplate
    end_id: int
    style_ids: Mapping[str, int] = field(default_factory=dict)
    scoring: GreedyOptions = field(default_factory=GreedyOptions)
    """How a summary is written to be scored, but for its limit."""

    @property
    def added_tokens(self) -> int:
        """How many tokens stand around a document."""
        return self.template.added_tokens + (1 if self.style_ids else 0)

    def document_ids(self, document: str) -> list[int]:
        """The tokens of a document, those of the text before it included."""
        return self.template.document_ids(self.tokenizer, document)

    def summary_ids(self, summary: str) -> list[int]:
        """The tokens of a summary."""
        return self.tokenizer.encode(normalise(summary))

    def source(self, document_ids: Sequence[int], style: str) -> list[int]:
        """What the encoder reads. Raises ValueError for a style that the model does not know."""
        if not self.style_ids:
            return self.template.wrap(document_ids)
        if style not in self.style_ids:
            known = ", ".join(sorted(self.style_ids))
            what = f"unknown style {style!r}" if style else "no style"
            raise ValueError(f"{what}; the model knows {known}")
        return replace(self.template, prefix_ids=(self.style_ids[style],)).wrap(document_ids)

    def target(self, summary_ids: Sequence[int], ended: bool = True) -> list[int]:
        """What the decoder should say; without the end token where the summary was cut."""
        before = () if self.style_ids else self.template.prefix_ids
        return [*before, *summary_ids, *([self.end_id] if ended else [])]


def read_layout(tokenizer_file: Path, config: ModelConfig, checkpoint: Path | None) -> Layout:
    """The layout of a network: by its checkpoint's own settings, or a new one's without any."""
    prefix_text, options = "", GreedyOptions()
    if checkpoint is not None:
        defaults = read_generation_defaults(checkpoint, config)
        prefix_text, options = defaults.prefix, defaults.options
    return Layout(
        BundleTokenizer(tokenizer_file),
        read_source_template(tokenizer_file, config.end_id, prefix_text),
        config.end_id,
        dict(config.style_token_ids),
        scoring_options(never_emitted_ids(tokenizer_file, config), options),
    )

"""From a document to its summary as text, in PyTorch: network, tokenizer and styles together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from model.checkpoint import load_checkpoint, never_emitted_ids
from model.generate import Generation, GreedyOptions, greedy, greedy_batch


class TextSummarizer:
    """A checkpoint that takes and gives text."""

    def __init__(self, checkpoint: Path) -> None:
        self.model = load_checkpoint(checkpoint)
        self.tokenizer = BundleTokenizer(checkpoint / "tokenizer.json")
        self.never_emitted_ids = never_emitted_ids(checkpoint, self.model.config)

    @property
    def styles(self) -> list[str]:
        """The styles that a summary can be asked for."""
        return sorted(self.model.config.style_token_ids)

    def source_ids(
        self, document: str, style: str, max_document_tokens: int | None = None
    ) -> list[int]:
        """What the encoder reads: style token, the normalised document's tokens, end token.

        Raises ValueError for an unknown style, and for a document of more tokens than the network
        has positions unless max_document_tokens cuts it.
        """
        config = self.model.config
        if style not in config.style_token_ids:
            raise ValueError(f"unknown style {style!r}; known: {', '.join(self.styles)}")
        tokens = self.tokenizer.encode(normalise(document))[:max_document_tokens]
        limit = config.max_positions - 2
        if len(tokens) > limit:
            raise ValueError(f"the document has {len(tokens)} tokens; the limit is {limit}")
        return [config.style_token_ids[style], *tokens, config.end_id]

    def summarize(self, document: str, style: str, options: GreedyOptions) -> str:
        """The greedy summary, by the oracle; special tokens are banned beside the options."""
        banned = (*options.banned_ids, *self.never_emitted_ids)
        source = self.source_ids(document, style)
        return self.text(greedy(self.model, source, replace(options, banned_ids=banned)))

    def summarize_batch(
        self, sources: Sequence[Sequence[int]], options: GreedyOptions
    ) -> list[str]:
        """Greedy summaries of several `source_ids`, by the batched decoder, under these options."""
        return [self.text(result) for result in greedy_batch(self.model, sources, options)]

    def text(self, generation: Generation) -> str:
        """Tokens to text, special tokens left out."""
        return self.tokenizer.decode(generation.tokens).strip()

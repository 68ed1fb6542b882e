"""From a document to its summary as text, in PyTorch: network, tokenizer and customs together."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bundle.tokenizer import BundleTokenizer
from model.checkpoints.checkpoint import load_checkpoint, never_emitted_ids
from model.checkpoints.generation_defaults import read_generation_defaults, with_room
from model.checkpoints.source_template import SourceTemplate, read_source_template
from model.checkpoints.tokenizing import ensure_tokenizer
from model.decoding.beam import Hypothesis, beam_search
from model.decoding.decoding_options import BeamOptions, GreedyOptions
from model.decoding.generate import Generation, greedy


class TextSummarizer:
    """A checkpoint that takes and gives text."""

    def __init__(self, checkpoint: Path) -> None:
        self.model = load_checkpoint(checkpoint)
        self.defaults = read_generation_defaults(checkpoint, self.model.config)
        self.model.config = with_room(self.model.config, self.defaults.options)
        # Reading a checkpoint changes nothing in it: a tokenizer that must be built lies elsewhere.
        with TemporaryDirectory(prefix="tokenizer-") as elsewhere:
            self._read_tokenizer(ensure_tokenizer(checkpoint, output=Path(elsewhere)))

    def _read_tokenizer(self, file: Path) -> None:
        config = self.model.config
        self.tokenizer = BundleTokenizer(file)
        self.never_emitted_ids = never_emitted_ids(file, config)
        self._template = read_source_template(file, config.end_id, self.defaults.prefix)

    @property
    def styles(self) -> list[str]:
        """The styles that a summary can be asked for; none for a network that knows one way."""
        return sorted(self.model.config.style_token_ids)

    def template(self, style: str | None) -> SourceTemplate:
        """What stands around the document in this style.

        Raises ValueError for an unknown style, and for none where the network needs one.
        """
        config = self.model.config
        if not config.style_token_ids and style is None:
            return self._template
        if style not in config.style_token_ids:
            known = ", ".join(self.styles) or "none, so leave it out"
            raise ValueError(f"unknown style {style!r}; known: {known}")
        return replace(self._template, prefix_ids=(config.style_token_ids[style],))

    def source_ids(
        self, document: str, style: str | None, max_document_tokens: int | None = None
    ) -> list[int]:
        """What the encoder reads: the normalised document's tokens within their template.

        Raises ValueError for an unknown style, and for a document of more tokens than the network
        has positions unless max_document_tokens cuts it. Text that the checkpoint puts before every
        document counts as part of it.
        """
        template = self.template(style)
        tokens = template.document_ids(self.tokenizer, document)[:max_document_tokens]
        limit = self.model.config.max_positions - template.added_tokens
        if len(tokens) > limit:
            raise ValueError(f"the document has {len(tokens)} tokens; the limit is {limit}")
        return template.wrap(tokens)

    def summarize(self, document: str, style: str | None, options: GreedyOptions) -> str:
        """The summary by the oracles: beam search if the options ask for more than one beam.

        Special tokens are banned beside the options, and the tokens' spelling is told.
        """
        banned = (*options.banned_ids, *self.never_emitted_ids)
        options = replace(options, banned_ids=banned, spelling=self.tokenizer.spelling)
        source = self.source_ids(document, style)
        if isinstance(options, BeamOptions) and options.num_beams > 1:
            return self.text(beam_search(self.model, source, options)[0])
        return self.text(greedy(self.model, source, options))

    def text(self, summary: Generation | Hypothesis) -> str:
        """Tokens to text, special tokens left out."""
        return self.tokenizer.decode(summary.tokens).strip()

"""A checkpoint as a summariser, and whichever a directory holds."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bundle.manifest import MANIFEST_FILE
from model.data.records import Record
from model.evaluation.bundle_process import BundleProcess
from model.evaluation.decoding import decode_by_limit, scoring_options
from model.evaluation.protocol import Summariser, SummariserError, in_order
from model.evaluation.rule import (
    MAX_CHARACTERS,
    MAX_DOCUMENT_TOKENS,
    TOKENS_3,
    Repetition,
    max_summary_tokens,
)
from model.text_summarizer import TextSummarizer


class CheckpointSummariser:
    """The PyTorch network, in batches of documents of similar length."""

    def __init__(
        self,
        name: str,
        summarizer: TextSummarizer,
        batch_size: int,
        repetition: Repetition = TOKENS_3,
    ) -> None:
        if batch_size < 1:
            raise SummariserError(f"the batch size must be at least 1, not {batch_size}")
        self.name, self._summarizer, self._batch_size = name, summarizer, batch_size
        self._repetition = repetition

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        """The summaries, in the order of the records."""
        return in_order(self._pairs(records), len(records), self.name, progress)

    def _pairs(self, records: Sequence[Record]) -> Iterator[tuple[int, str]]:
        sources = [self._source_ids(record) for record in records]
        limits = [max_summary_tokens(record.style, record.lang) for record in records]
        options = scoring_options(
            self._summarizer.never_emitted_ids,
            self._summarizer.defaults.options,
            self._repetition,
            self._summarizer.tokenizer.spelling,
        )
        for index, result in decode_by_limit(
            self._summarizer.model, sources, limits, options, self._batch_size
        ):
            yield index, self._summarizer.text(result)

    def _source_ids(self, record: Record) -> list[int]:
        style = record.style if self._summarizer.styles else None  # it may know one way alone
        room = self._summarizer.model.config.max_positions
        room -= self._summarizer.template(style).added_tokens
        return self._summarizer.source_ids(
            record.document[:MAX_CHARACTERS], style, min(MAX_DOCUMENT_TOKENS, room)
        )


def open_summariser(
    path: Path, batch_size: int, name: str | None = None, repetition: Repetition = TOKENS_3
) -> Summariser:
    """The bundle or the checkpoint that a directory holds."""
    name = name or path.resolve().name
    if (path / MANIFEST_FILE).exists():
        return BundleProcess(name, path, batch_size, repetition)
    if not (path / "config.json").exists():
        raise SummariserError(
            f"{path} is neither a bundle ({MANIFEST_FILE}) nor a checkpoint (config.json)"
        )
    return CheckpointSummariser(name, TextSummarizer(path), batch_size, repetition)

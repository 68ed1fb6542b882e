"""A checkpoint as a summariser, and whichever a directory holds."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path

from model.decoding_options import GreedyOptions
from model.evaluation.bundle_process import BundleProcess
from model.evaluation.protocol import Summariser, SummariserError, in_order
from model.evaluation.rule import (
    MAX_CHARACTERS,
    MAX_DOCUMENT_TOKENS,
    NO_REPEAT_NGRAM_SIZE,
    max_summary_tokens,
)
from model.records import Record
from model.text_summarizer import TextSummarizer

BUNDLE_MANIFEST = "manifest.json"
"""What tells a bundle's directory from a checkpoint's."""


class CheckpointSummariser:
    """The PyTorch network, in batches of documents of similar length."""

    def __init__(self, name: str, summarizer: TextSummarizer, batch_size: int) -> None:
        if batch_size < 1:
            raise SummariserError(f"the batch size must be at least 1, not {batch_size}")
        self.name, self._summarizer, self._batch_size = name, summarizer, batch_size

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        """The summaries, in the order of the records."""
        return in_order(self._pairs(records), len(records), self.name, progress)

    def _pairs(self, records: Sequence[Record]) -> Iterator[tuple[int, str]]:
        sources = [self._source_ids(record) for record in records]
        limits = [max_summary_tokens(record.style, record.lang) for record in records]
        order = sorted(range(len(records)), key=lambda i: (limits[i], len(sources[i])))
        for limit, group in groupby(order, key=limits.__getitem__):
            options = GreedyOptions(
                max_tokens=limit,
                no_repeat_ngram_size=NO_REPEAT_NGRAM_SIZE,
                banned_ids=(self._summarizer.model.config.pad_id,),
                forced_first=self._summarizer.defaults.options.forced_first,
            )
            while batch := list(islice(group, self._batch_size)):
                texts = self._summarizer.summarize_batch([sources[i] for i in batch], options)
                yield from zip(batch, texts, strict=True)

    def _source_ids(self, record: Record) -> list[int]:
        style = record.style if self._summarizer.styles else None  # it may know one way alone
        room = self._summarizer.model.config.max_positions
        room -= self._summarizer.template(style).added_tokens
        return self._summarizer.source_ids(
            record.document[:MAX_CHARACTERS], style, min(MAX_DOCUMENT_TOKENS, room)
        )


def open_summariser(path: Path, batch_size: int, name: str | None = None) -> Summariser:
    """The bundle or the checkpoint that a directory holds."""
    name = name or path.resolve().name
    if (path / BUNDLE_MANIFEST).exists():
        return BundleProcess(name, path, batch_size)
    if not (path / "config.json").exists():
        raise SummariserError(
            f"{path} is neither a bundle ({BUNDLE_MANIFEST}) nor a checkpoint (config.json)"
        )
    return CheckpointSummariser(name, TextSummarizer(path), batch_size)

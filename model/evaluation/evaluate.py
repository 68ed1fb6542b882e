"""ROUGE of a summariser on a file of documents and reference summaries.

The scoring rule, the same for whatever is scored: the first 4,000 characters and 638 tokens of a
document; greedy with no-repeat 3-grams; at most 64 new tokens for `brief` (80 in Chinese), 32 for
`headline`, 128 for the others; of the special tokens only padding is banned.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from tqdm import tqdm

from model.evaluation.rouge import Rouge, mean, rouge
from model.generate import GreedyOptions
from model.records import Record
from model.text_summarizer import TextSummarizer

MAX_CHARACTERS = 4_000
MAX_DOCUMENT_TOKENS = 638
NO_REPEAT_NGRAM_SIZE = 3

Summarise = Callable[[str, str, str], str]
"""document, style, lang -> summary."""


@dataclass(frozen=True)
class Report:
    """Mean scores, and each document's summary and scores in the order of the records."""

    mean: Rouge
    records: Sequence[Record]
    summaries: Sequence[str]
    scores: Sequence[Rouge]

    def to_dict(self) -> dict[str, Any]:
        """What `--json` writes."""
        return {
            "documents": len(self.records),
            "mean": vars(self.mean),
            "each": [
                {"id": record.id, "summary": summary, **vars(score)}
                for record, summary, score in zip(
                    self.records, self.summaries, self.scores, strict=True
                )
            ],
        }


def max_summary_tokens(style: str, lang: str) -> int:
    """The scoring rule's limit on generated tokens."""
    if style == "brief":
        return 80 if lang == "zh" else 64
    return 32 if style == "headline" else 128


def evaluate(records: Sequence[Record], summarise: Summarise, progress: bool = True) -> Report:
    """Score any summariser, one document at a time.

    `summarise` gets the document cut to 4,000 characters; the rest of the scoring rule is its own
    to keep (`MAX_DOCUMENT_TOKENS`, `max_summary_tokens`, `NO_REPEAT_NGRAM_SIZE`).
    """
    summaries = (
        summarise(record.document[:MAX_CHARACTERS], record.style, record.lang) for record in records
    )
    return score(records, _with_progress(summaries, len(records), progress))


def evaluate_checkpoint(
    records: Sequence[Record], summarizer: TextSummarizer, batch_size: int, progress: bool = True
) -> Report:
    """Score a PyTorch checkpoint, in batches of documents of similar length."""
    batched = _batched(records, summarizer, batch_size)
    summaries = dict(_with_progress(batched, len(records), progress))
    return score(records, [summaries[index] for index in range(len(records))])


def score(records: Sequence[Record], summaries: Iterable[str]) -> Report:
    """Compare summaries with their references."""
    summaries = list(summaries)
    scores = [
        rouge(record.summary, summary, record.lang)
        for record, summary in zip(records, summaries, strict=True)
    ]
    return Report(mean(scores), records, summaries, scores)


def _batched(
    records: Sequence[Record], summarizer: TextSummarizer, batch_size: int
) -> Iterator[tuple[int, str]]:
    sources = [
        summarizer.source_ids(record.document[:MAX_CHARACTERS], record.style, MAX_DOCUMENT_TOKENS)
        for record in records
    ]
    limits = [max_summary_tokens(record.style, record.lang) for record in records]
    order = sorted(range(len(records)), key=lambda i: (limits[i], len(sources[i])))
    for limit, group in groupby(order, key=limits.__getitem__):
        options = GreedyOptions(
            max_tokens=limit,
            no_repeat_ngram_size=NO_REPEAT_NGRAM_SIZE,
            banned_ids=(summarizer.model.config.pad_id,),
        )
        while batch := list(islice(group, batch_size)):
            texts = summarizer.summarize_batch([sources[i] for i in batch], options)
            yield from zip(batch, texts, strict=True)


def _with_progress(items: Iterable[Any], total: int, progress: bool) -> Iterable[Any]:
    return tqdm(items, total=total, unit="document", disable=not progress)

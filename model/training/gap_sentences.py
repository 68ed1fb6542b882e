"""Examples from plain prose: the sentences that say most of the rest, as the target.

"PEGASUS: Pre-training with Extracted Gap-sentences for Abstractive Summarization", Zhang et al.
2020, section 3.1, with the choice it calls "Ind": each sentence by itself, by the F1 of its words
with those of all others. Pre-training (`gaps`) masks the chosen sentences in what the encoder
reads; without the masks (`extracts`) the same choice teaches to extract key sentences.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bundle.normalise import normalise
from model.data.json_lines import JsonLines, OnBadLine
from model.data.records import text_fields
from model.data.sentences import split_sentences
from model.training.config import DataConfig
from model.training.examples import Counts, Example
from model.training.layout import Layout

# Letters and digits in runs, Han characters one by one; unlike ROUGE's English, words keep endings.
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")
_FEWEST_SENTENCES = 4  # with fewer there is too little left to say them from
EXTRACT_STYLE = "detailed"


@dataclass(frozen=True)
class Prose:
    """A text by itself."""

    id: str
    text: str
    lang: str


class ProseReader(JsonLines[Prose]):
    """The texts of a file of {"id", "text", "lang"} lines."""

    def __init__(self, path: Path, on_bad_line: OnBadLine = "refuse") -> None:
        super().__init__(path, self._prose, on_bad_line)

    def _prose(self, values: Mapping[str, Any], number: int) -> Prose:
        defaults = {"lang": "en", "id": f"{self.path.name}:{number}"}
        return Prose(**text_fields(values, ("id", "text", "lang"), defaults))


def principal_sentences(
    sentences: Sequence[str], length: Callable[[int], int], count: int, max_tokens: int
) -> list[int]:
    """The indices, rising, of the sentences that share most words with the others.

    At most `count` of them, of at most `max_tokens` together by the `length` of each: one that has
    no room is passed over.
    """
    words = [Counter(_WORD.findall(sentence.lower())) for sentence in sentences]
    everything = sum(words, Counter())
    scores = [_f1(own, everything - own) for own in words]
    chosen: list[int] = []
    for index in sorted(range(len(sentences)), key=lambda index: (-scores[index], index))[:count]:
        if (tokens := length(index)) <= max_tokens:
            chosen.append(index)
            max_tokens -= tokens
    return sorted(chosen)


def prose_maker(
    layout: Layout, config: DataConfig, gap_ids: tuple[int, int] | None
) -> Callable[[Prose, Counts], Example | None]:
    """Turns prose into examples: with `gap_ids`, of <gap> and <mask>, masked; without, extracts.

    A text is read up to the last whole sentence within the limit. Too short a one is dropped. What
    an extract is taken from is read as any document is, after the text that the family puts first.
    """

    def make(prose: Prose, counts: Counts) -> Example | None:
        sentences = [normalise(sentence) for sentence in split_sentences(prose.text)]
        encode = layout.tokenizer.encode
        opening = encode if gap_ids else layout.document_ids
        # Each with the space before it, since a byte-level tokenizer makes it part of the word.
        space = "" if prose.lang == "zh" else " "
        tokens = [
            encode(space + sentence) if index else opening(sentence)
            for index, sentence in enumerate(sentences)
        ]
        kept = _fitting(tokens, config.max_document_tokens)
        counts.cut_documents += kept < len(tokens)

        @cache
        def as_first(index: int) -> list[int]:
            return encode(sentences[index])

        def length(index: int) -> int:
            """In a target, first there or not: without its space a sentence may be longer."""
            return max(len(as_first(index)), len(tokens[index]) if index else 0)

        count = max(1, round(kept * config.sentence_share))
        chosen = principal_sentences(sentences[:kept], length, count, config.max_summary_tokens)
        if kept < _FEWEST_SENTENCES or not chosen:
            counts.dropped += 1
            return None
        counts.examples += 1
        target = layout.target([*as_first(chosen[0]), *_joined(tokens[i] for i in chosen[1:])])
        if gap_ids is None:
            source = layout.source(_joined(tokens[:kept]), EXTRACT_STYLE)
        else:
            gap_id, mask_id = gap_ids
            masked = ([mask_id] if i in chosen else tokens[i] for i in range(kept))
            source = [gap_id, *_joined(masked), layout.end_id]
        return Example(prose.id, source, target)

    return make


def _joined(sentences: Iterable[Sequence[int]]) -> list[int]:
    return [token for sentence in sentences for token in sentence]


def _fitting(sentences: Sequence[Sequence[int]], limit: int) -> int:
    """How many whole sentences from the first on have at most `limit` tokens together."""
    total = 0
    for count, sentence in enumerate(sentences):
        total += len(sentence)
        if total > limit:
            return count
    return len(sentences)


def _f1(own: Counter[str], rest: Counter[str]) -> float:
    common = (own & rest).total()
    return 2 * common / (own.total() + rest.total()) if common else 0.0

"""ROUGE-1, ROUGE-2 and ROUGE-L F1, in English and Chinese.

"ROUGE: A Package for Automatic Evaluation of Summaries", Lin 2004, computed by the `rouge-score`
package. English: lower-cased runs of a-z and 0-9, Porter-stemmed, as that package does by itself.
Chinese: each Han character is a token, and so is each lower-cased run of other letters and
digits ("GPT-4模型" is gpt, 4, 模, 型). In both, punctuation counts for nothing.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_TOKEN = re.compile(f"[{_HAN}]|[^\\W_{_HAN}]+")
_KINDS = ("rouge1", "rouge2", "rougeL")


@dataclass(frozen=True)
class Rouge:
    """F1 scores between 0 and 100."""

    rouge1: float
    rouge2: float
    rouge_l: float

    def __str__(self) -> str:
        return f"{self.rouge1:.1f} / {self.rouge2:.1f} / {self.rouge_l:.1f}"


class HanTokenizer(Tokenizer):
    """Han characters one by one, everything else by words."""

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text."""
        return _TOKEN.findall(text.lower())


_SCORERS = {
    "en": RougeScorer(list(_KINDS), use_stemmer=True),
    "zh": RougeScorer(list(_KINDS), tokenizer=HanTokenizer()),
}

LANGUAGES = tuple(_SCORERS)
"""What a record's `lang` may be."""


def check_languages(langs: Iterable[str]) -> None:
    """Raises ValueError naming the languages that have no scores."""
    if foreign := sorted(set(langs) - set(LANGUAGES)):
        raise ValueError(f"no scores for lang {', '.join(foreign)}; known: {', '.join(LANGUAGES)}")


def rouge(reference: str, summary: str, lang: str) -> Rouge:
    """Score one summary against one reference; lang is "en" or "zh"."""
    scores = _SCORERS[lang].score(reference, summary)
    return Rouge(*(100 * scores[kind].fmeasure for kind in _KINDS))


def mean(scores: Sequence[Rouge]) -> Rouge:
    """The mean over documents, each counting alike."""
    return Rouge(
        fmean(score.rouge1 for score in scores),
        fmean(score.rouge2 for score in scores),
        fmean(score.rouge_l for score in scores),
    )

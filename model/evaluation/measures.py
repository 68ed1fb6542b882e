"""Every measure of one summary, by name."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from model.data.records import Record
from model.evaluation.copying import coverage, density, length, novelty, repetition, words
from model.evaluation.facts import Facts, compare_facts
from model.evaluation.rouge import rouge
from model.evaluation.vocabulary import spelled, unknown_words

RUN_SIZES = (1, 2, 3, 4)

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "rouge1": "ROUGE-1 F1",
        "rouge2": "ROUGE-2 F1",
        "rouge_l": "ROUGE-L F1",
        "length": "words; in Chinese characters",
        "length_ratio": "length as a share of the reference's",
        **{f"novelty_{n}": f"runs of {n} tokens that the document lacks" for n in RUN_SIZES},
        "coverage": "tokens that lie in a stretch shared with the document",
        "density": "mean length of the shared stretch that a token lies in, in tokens",
        **{f"repetition_{n}": f"runs of {n} tokens that came before" for n in RUN_SIZES},
        "unknown_words": "words of 1,000 that neither the document nor the vocabulary holds; in "
        "Chinese, pairs of characters",
        "supported_numbers": "numbers that the document holds",
        "supported_names": "names that the document holds",
    }
)
"""What is measured; shares and ROUGE are per cent, unknown words of 1,000. A document may have no
value of a measure (NaN): a summary without numbers has no share of supported ones."""


@dataclass(frozen=True)
class Measured:
    """One summary's values, in the order of `MEASURES`, and what lies behind three of them."""

    values: tuple[float, ...]
    facts: Facts
    unknown: tuple[str, ...]

    def as_dict(self) -> dict[str, float]:
        """The values by name."""
        return dict(zip(MEASURES, self.values, strict=True))


def measure(record: Record, summary: str, known: Collection[str] = ()) -> Measured:
    """Compare a summary with its reference, with its whole document and with known words."""
    scores = rouge(record.summary, summary, record.lang)
    document, tokens = words(record.document), words(summary)
    facts = compare_facts(record.document, summary, record.lang)
    unknown = unknown_words(summary, record.document, known)
    own, reference = length(summary, record.lang), length(record.summary, record.lang)
    values = (
        scores.rouge1,
        scores.rouge2,
        scores.rouge_l,
        float(own),
        _per_cent(own, reference),
        *(100 * novelty(document, tokens, size) for size in RUN_SIZES),
        100 * coverage(document, tokens),
        density(document, tokens),
        *(100 * repetition(tokens, size) for size in RUN_SIZES),
        10 * _per_cent(len(unknown), len(spelled(summary))),
        _per_cent(facts.numbers - len(facts.unsupported_numbers), facts.numbers),
        _per_cent(facts.names - len(facts.unsupported_names), facts.names),
    )
    return Measured(values, facts, tuple(unknown))


def _per_cent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else math.nan

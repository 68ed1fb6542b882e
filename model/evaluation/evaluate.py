"""Scoring summarisers side by side: every measure of every summary, means, and differences.

N records    M measures
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.data.records import Record
from model.evaluation.bootstrap import Matrix, Mean, differences, means
from model.evaluation.measures import MEASURES, Measured, measure
from model.evaluation.protocol import Summariser
from model.evaluation.rouge import check_languages
from model.evaluation.vocabulary import vocabulary

ALL = "all"


@dataclass(frozen=True)
class Scored:
    """What one summariser made of the records."""

    name: str
    summaries: Sequence[str]
    measured: Sequence[Measured]
    seconds: float

    @cached_property
    def values(self) -> Matrix:
        """[N,M], NaN where a document has no value of a measure."""
        return np.array([each.values for each in self.measured])


@dataclass(frozen=True)
class Evaluation:
    """Summarisers on the same records; the baselines come last."""

    records: Sequence[Record]
    systems: Sequence[Scored]
    baselines: Sequence[Scored]

    @property
    def everything(self) -> list[Scored]:
        """Systems, then baselines."""
        return [*self.systems, *self.baselines]

    @property
    def anchors(self) -> list[Scored]:
        """Whom others are compared with: the first baseline, and the first of several systems."""
        return [*self.baselines[:1], *(self.systems[:1] if len(self.systems) > 1 else [])]

    def compares(self, scored: Scored, anchor: Scored) -> bool:
        """Whether the difference between these is told: baselines have one from baselines alone."""
        return scored is not anchor and (anchor in self.baselines or scored in self.systems)

    def groups(self) -> dict[str, list[int]]:
        """Which records are of one kind (set, style, language); only `all` where all are alike."""
        kinds: dict[str, list[int]] = {}
        for index, record in enumerate(self.records):
            name = ", ".join(filter(None, (record.set, record.style, record.lang)))
            kinds.setdefault(name, []).append(index)
        return {ALL: list(range(len(self.records)))} | (kinds if len(kinds) > 1 else {})


def evaluate(
    records: Sequence[Record],
    systems: Sequence[Summariser],
    baselines: Sequence[Summariser] = (),
    progress: bool = True,
    other_texts: Iterable[str] = (),
) -> Evaluation:
    """Let each summarise the records, and measure what it says.

    Words that the records hold are known, and those that occur often in `other_texts`.

    Raises ValueError, before anything runs, for no records, two systems of one name, or a language
    that ROUGE has no tokens for.
    """
    _check(records, [*systems, *baselines])
    own_texts = [text for record in records for text in (record.document, record.summary)]
    known = vocabulary(own_texts, other_texts)
    return Evaluation(
        records,
        [_score(records, system, progress, known) for system in systems],
        [_score(records, baseline, progress, known) for baseline in baselines],
    )


def mean_of(scored: Scored, indices: Sequence[int]) -> Mapping[str, Mean]:
    """Each measure's mean over these records."""
    return dict(zip(MEASURES, means(scored.values[indices]), strict=True))


def difference_of(ours: Scored, theirs: Scored, indices: Sequence[int]) -> Mapping[str, Mean]:
    """The mean of each measure's difference over these records, document by document."""
    paired = differences(ours.values[indices], theirs.values[indices])
    return dict(zip(MEASURES, paired, strict=True))


def _score(
    records: Sequence[Record], summariser: Summariser, progress: bool, known: Collection[str]
) -> Scored:
    started_s = time.perf_counter()
    summaries = summariser.summarise(records, progress)
    seconds = time.perf_counter() - started_s
    measured = [measure(*pair, known) for pair in zip(records, summaries, strict=True)]
    return Scored(summariser.name, summaries, measured, seconds)


def _check(records: Sequence[Record], summarisers: Sequence[Summariser]) -> None:
    if not records:
        raise ValueError("there are no records to score")
    names = [summariser.name for summariser in summarisers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two summarisers are called {', '.join(twice)}")
    check_languages(record.lang for record in records)

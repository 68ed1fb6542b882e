"""Chooses what each call of a load is: its kind by weight, its documents by chance.

The choice depends on the seed and the call's number alone, so that it is the same whoever makes
the call and whenever.
"""

import hashlib
import itertools
from bisect import bisect
from collections.abc import Container

from loadtest.corpus import choose_documents
from loadtest.engine.caller import Ask
from loadtest.orders import Work
from loadtest.scenario import CorpusTable, MixEntry


class Mix:
    """The calls of a scenario; made once, before the load."""

    def __init__(self, work: Work) -> None:
        self._seed = work.seed
        self._options = [_Option(entry, entry.corpus or work.corpus) for entry in work.mix]

    def choose(self, number: str, lane: int, kinds: Container[str] | None = None) -> Ask:
        """Chooses the call of this number, among these kinds or all."""
        digest = hashlib.blake2b(f"{self._seed}/{number}".encode(), digest_size=16).digest()
        options = [each for each in self._options if kinds is None or each.entry.call in kinds]
        bounds = list(itertools.accumulate(each.entry.weight for each in options))
        part = int.from_bytes(digest[:8]) / 2**64
        option = options[min(bisect(bounds, part * bounds[-1]), len(options) - 1)]
        return Ask(option.entry, option.documents_from(int.from_bytes(digest[8:]), number), lane)


class _Option:
    """One entry of the mix with the documents that fit it."""

    def __init__(self, entry: MixEntry, table: CorpusTable) -> None:
        self.entry = entry
        self._documents = choose_documents(table)
        self._is_distinct = table.distinct

    def documents_from(self, first: int, number: str) -> tuple[str, ...]:
        count = self.entry.batch_size if self.entry.call == "SummarizeBatch" else 1
        chosen = [self._documents[(first + step) % len(self._documents)] for step in range(count)]
        if not self._is_distinct:
            return tuple(chosen)
        return tuple(f"{text} ({number}.{step})" for step, text in enumerate(chosen))

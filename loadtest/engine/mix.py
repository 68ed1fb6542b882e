"""Chooses what each call of a load is: its kind by weight, its documents by chance.

The choice depends on the seed and the call's number alone, so that it is the same whoever makes
the call and whenever.
"""

import hashlib
import itertools
from bisect import bisect

from loadtest.corpus import choose_documents
from loadtest.engine.caller import Ask
from loadtest.orders import Work


class Mix:
    """The calls of a scenario; made once, before the load."""

    def __init__(self, work: Work) -> None:
        self._seed = work.seed
        self._entries = work.mix
        self._tables = [entry.corpus or work.corpus for entry in work.mix]
        self._documents = [choose_documents(table) for table in self._tables]
        self._bounds = list(itertools.accumulate(entry.weight for entry in work.mix))

    def choose(self, number: str, lane: int) -> Ask:
        """Chooses the call of this number."""
        digest = hashlib.blake2b(f"{self._seed}/{number}".encode(), digest_size=16).digest()
        part = int.from_bytes(digest[:8]) / 2**64
        at = min(bisect(self._bounds, part * self._bounds[-1]), len(self._entries) - 1)
        entry, documents = self._entries[at], self._documents[at]
        first = int.from_bytes(digest[8:])
        count = entry.batch_size if entry.call == "SummarizeBatch" else 1
        chosen = (documents[(first + step) % len(documents)] for step in range(count))
        if self._tables[at].distinct:
            chosen = (f"{text} ({number}.{step})" for step, text in enumerate(chosen))
        return Ask(entry, tuple(chosen), lane)

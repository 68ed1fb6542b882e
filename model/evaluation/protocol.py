"""What can be scored: something with a name that turns records into summaries."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from model.data.records import Record
from model.progress import ProgressBar


class Summariser(Protocol):
    """A checkpoint, a bundle or a baseline; each keeps the scoring rule of rule.py."""

    @property
    def name(self) -> str:
        """What a report calls it."""
        ...

    def summarise(self, records: Sequence[Record], progress: bool = True) -> list[str]:
        """The summaries, in the order of the records; a bar shows how far it is."""
        ...


class SummariserError(ValueError):
    """A summariser that cannot do its work; the message tells why."""


def in_order(pairs: Iterator[tuple[int, str]], total: int, name: str, progress: bool) -> list[str]:
    """Gather (index, summary) as they come, with a bar, and put them in the records' order.

    Fewer than `total` are returned as they are: whoever gives them knows why.
    """
    bar = ProgressBar(pairs, total=total, unit="document", desc=name, disable=not progress)
    summaries = dict(bar)
    return [summaries[index] for index in sorted(summaries)]

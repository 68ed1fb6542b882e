"""Which steps are captured as graphs of the device: pure bookkeeping.

To capture a step takes as long as many steps do, and each graph holds memory. So a step of a shape
that was not asked for is captured only once it has come several times, and those that were not used
for longest go first. onnxruntime's CUDA provider may keep what it was told to release, so ids are
never used again, and there is a last one.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

NOT_CAPTURED = -1

_MOST = 192
_MOST_EVER = 1024
_RUNS_BEFORE = 4

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _Entry:
    runs: int = 0
    graph_id: int = NOT_CAPTURED


class Captures(Generic[Key]):
    """Counts the runs of each shape and says as which graph each is run."""

    def __init__(
        self,
        release: Callable[[Key, int], None],
        *,
        enabled: bool = True,
        most: int = _MOST,
        most_ever: int = _MOST_EVER,
        runs_before: int = _RUNS_BEFORE,
    ) -> None:
        self._release = release
        self._enabled, self._most, self._most_ever = enabled, most, most_ever
        self._runs_before = runs_before
        # The one used last comes last.
        self._entries: dict[Key, _Entry] = {}
        self._next_id = 1

    @property
    def num_captured(self) -> int:
        """Graphs that are there."""
        return sum(entry.graph_id != NOT_CAPTURED for entry in self._entries.values())

    def is_captured(self, key: Key) -> bool:
        """Whether the next run of a shape is but a replay."""
        entry = self._entries.get(key)
        return entry is not None and entry.graph_id != NOT_CAPTURED

    def graph_id(self, key: Key, *, at_once: bool = False) -> int:
        """The graph as which a shape is run now; NOT_CAPTURED to run it as it is.

        The run that is first given an id captures it.
        """
        entry = self._entries.pop(key, None) or _Entry()
        self._entries[key] = entry
        entry.runs += 1
        is_due = at_once or entry.runs > self._runs_before
        may = self._enabled and self._next_id <= self._most_ever
        if entry.graph_id == NOT_CAPTURED and is_due and may:
            if self.num_captured >= self._most:
                self.forget(next(k for k, e in self._entries.items() if e.graph_id > 0))
            entry.graph_id = self._next_id
            self._next_id += 1
        return entry.graph_id

    def forget(self, key: Key) -> None:
        """Lets go of a shape: its memory goes, or others are used more."""
        entry = self._entries.pop(key, None)
        if entry is not None and entry.graph_id != NOT_CAPTURED:
            self._release(key, entry.graph_id)

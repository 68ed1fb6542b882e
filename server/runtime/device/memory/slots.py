"""Where the rows of a lane lie: a row that the engine moves stays in its slot, and a table changes.

A step runs over the slots from the first to the last in use, whoever holds them.
"""

import heapq
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from server.decoding.strategy import Array


class SlotMove(NamedTuple):
    """A row that has to be copied."""

    source: int
    target: int


class SlotTable:
    """The slots of a lane, and which row has which."""

    def __init__(self, slots: int) -> None:
        self._free = list(range(slots))  # a heap
        self._rows: list[int] = []
        self._array: Array | None = None

    @property
    def num_free(self) -> int:
        """How many more rows there is room for."""
        return len(self._free)

    @property
    def extent(self) -> int:
        """The slots from the first to the last in use."""
        return max(self._rows, default=-1) + 1

    @property
    def slots(self) -> Array:
        """The slot of each row."""
        if self._array is None:
            self._array = np.array(self._rows, np.int64)
        return self._array

    def grown(self, slots: int) -> "SlotTable":
        """The same rows in the same slots, among more of them."""
        table = SlotTable(slots)
        table._rows = list(self._rows)
        table._free = sorted(set(range(slots)).difference(self._rows))
        return table

    def keep(self, rows: int) -> None:
        """Frees the slots of all rows but the first: the engine says nothing when the last go."""
        while len(self._rows) > rows:
            heapq.heappush(self._free, self._rows.pop())
            self._array = None

    def append(self, count: int) -> list[int]:
        """Gives so many more rows the lowest free slots."""
        assert count <= len(self._free), "the caller has made sure that there is room"
        taken = [heapq.heappop(self._free) for _ in range(count)]
        self._rows += taken
        self._array = None
        return taken

    def move(self, source_row: int, target_row: int) -> None:
        """Lets the last row take the place of another, which is gone."""
        self.keep(source_row + 1)
        heapq.heappush(self._free, self._rows[target_row])
        self._rows[target_row] = self._rows.pop()
        self._array = None

    def compact(self, bucket: Callable[[int], int]) -> list[SlotMove]:
        """Moves rows down where a step over them would else be one of more rows than they need.

        Every target was free, and the moves are to be made in order.
        """
        if bucket(self.extent) <= (wanted := bucket(len(self._rows))):
            return []
        moves = []
        for row, slot in enumerate(self._rows):
            if slot >= wanted:
                self._rows[row] = target = heapq.heappop(self._free)
                moves.append(SlotMove(slot, target))
        for move in moves:
            heapq.heappush(self._free, move.source)
        self._array = None
        return moves

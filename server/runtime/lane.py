"""The memory of one lane: begins small, grows by copy, and shrinks when the longest have left.

Attention on the CPU computes over the whole capacity, padding included, so room that nobody uses
would cost time at every step, and memory for as long as the lane is in use.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from bundle.manifest import Geometry
from server.engine.runner import LaneKey
from server.runtime.lane_arrays import Array, Capacity, LaneArrays

# The caches grow by so many slots: fewer waste less on padding, more copy less often.
_CACHE_STEP = 32
# Several summaries side by side fill their cache faster.
_WIDE_CACHE_STEP = 64
# A cache of which less than this share is needed shrinks.
_LEAST_IN_USE = 1 / 2
# Sources of a lane get room in so many steps: fewer waste more on padding, more copy more often.
_SOURCE_STEPS = 4


class Lane:
    """Holds rows of one width, whose source has at most `longest_source` tokens."""

    def __init__(self, geometry: Geometry, key: LaneKey) -> None:
        self._geometry = geometry
        self._source_step = -(-key.longest_source // _SOURCE_STEPS)
        self._cache_step = _CACHE_STEP if key.width == 1 else _WIDE_CACHE_STEP
        # Replaced as a whole, and only once the new ones are complete: running out of memory while
        # growing leaves every row as it was.
        smallest = self._capacity(rows=1, source_tokens=1, cache_slots=1)
        self.arrays = LaneArrays(geometry, smallest)

    def add(
        self, first_row: int, documents: Sequence[tuple[Sequence[int], Mapping[str, Array]]]
    ) -> None:
        """Puts documents, each its ids and what the encoder said, in the rows from `first_row`."""
        longest = max(len(source) for source, _ in documents)
        num_rows = first_row + len(documents)
        if first_row == 0:
            capacity = self._capacity(rows=num_rows, source_tokens=longest, cache_slots=1)
            self.arrays = LaneArrays(self._geometry, capacity)
        else:
            self._ensure(rows=num_rows, source_tokens=longest, cache_slots=1)
        for row, (source, encoded) in enumerate(documents, first_row):
            self.arrays.store(row, source, encoded)

    def fit_cache(self, cache_slots: int) -> None:
        """Makes room for so many slots in every row, and gives back room for many more than that.

        No row may need a slot beyond.
        """
        self._ensure(rows=1, source_tokens=1, cache_slots=cache_slots)
        now = self.arrays.capacity
        # A step more than is needed, so that it does not grow again at once.
        spacious = _rounded_up(cache_slots, self._cache_step) + self._cache_step
        if _LEAST_IN_USE * now.cache_slots >= spacious:
            with suppress(MemoryError):  # what there is does as well, only slower
                self._replace(replace(now, cache_slots=spacious))

    def move(self, source_row: int, target_row: int) -> None:
        """Copies all that a row holds over another."""
        self.arrays.move(source_row, target_row)

    def _ensure(self, *, rows: int, source_tokens: int, cache_slots: int) -> None:
        now = self.arrays.capacity
        if (
            rows <= now.rows
            and source_tokens <= now.source_tokens
            and cache_slots <= now.cache_slots
        ):
            return
        self._replace(
            self._capacity(
                rows=max(rows, now.rows),
                source_tokens=max(source_tokens, now.source_tokens),
                cache_slots=max(cache_slots, now.cache_slots),
            )
        )

    def _replace(self, capacity: Capacity) -> None:
        arrays = LaneArrays(self._geometry, capacity)
        arrays.copy_from(self.arrays)
        self.arrays = arrays

    def _capacity(self, *, rows: int, source_tokens: int, cache_slots: int) -> Capacity:
        return Capacity(
            rows=_doubled(1, rows),
            source_tokens=_rounded_up(source_tokens, self._source_step),
            cache_slots=_rounded_up(cache_slots, self._cache_step),
        )


def _doubled(capacity: int, needed: int) -> int:
    while capacity < needed:
        capacity *= 2
    return capacity


def _rounded_up(needed: int, step: int) -> int:
    return -(-needed // step) * step

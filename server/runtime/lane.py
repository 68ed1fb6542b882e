"""The memory of one lane: begins small, grows by copy, and begins small again when it was empty.

Attention on the CPU computes over the whole capacity, padding included, so room that nobody uses
would cost time at every step, and memory for as long as the process lives.
"""

from collections.abc import Mapping, Sequence

from bundle.manifest import Geometry
from server.engine.runner import LaneKey
from server.runtime.lane_arrays import Array, Capacity, LaneArrays

# The caches grow by so many slots: fewer waste less on padding, more copy less often.
_CACHE_STEP = 32
# Several summaries side by side fill their cache faster.
_WIDE_CACHE_STEP = 64
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
        self.arrays = self._allocate(rows=1, source_tokens=1, cache_slots=1)

    def add(
        self, first_row: int, documents: Sequence[tuple[Sequence[int], Mapping[str, Array]]]
    ) -> None:
        """Puts documents, each its ids and what the encoder said, in the rows from `first_row`."""
        longest = max(len(source) for source, _ in documents)
        num_rows = first_row + len(documents)
        if first_row == 0:
            self.arrays = self._allocate(rows=num_rows, source_tokens=longest, cache_slots=1)
        else:
            self._ensure(rows=num_rows, source_tokens=longest, cache_slots=1)
        for row, (source, encoded) in enumerate(documents, first_row):
            self.arrays.store(row, source, encoded)

    def ensure_cache(self, cache_slots: int) -> None:
        """Makes room for so many slots in every row."""
        self._ensure(rows=1, source_tokens=1, cache_slots=cache_slots)

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
        grown = self._allocate(
            rows=max(rows, now.rows),
            source_tokens=max(source_tokens, now.source_tokens),
            cache_slots=max(cache_slots, now.cache_slots),
        )
        grown.copy_from(self.arrays)
        self.arrays = grown

    def _allocate(self, *, rows: int, source_tokens: int, cache_slots: int) -> LaneArrays:
        capacity = Capacity(
            rows=_doubled(1, rows),
            source_tokens=_rounded_up(source_tokens, self._source_step),
            cache_slots=_rounded_up(cache_slots, self._cache_step),
        )
        return LaneArrays(self._geometry, capacity)


def _doubled(capacity: int, needed: int) -> int:
    while capacity < needed:
        capacity *= 2
    return capacity


def _rounded_up(needed: int, step: int) -> int:
    return -(-needed // step) * step

"""The memory of one lane: begins small, grows by copy, and begins small again when it was empty.

Attention on the CPU computes over the whole capacity, padding included, so room that nobody uses
would cost time at every step, and memory for as long as the process lives.
"""

from collections.abc import Mapping, Sequence

from bundle.manifest import Geometry
from server.runtime.lane_arrays import Array, Capacity, LaneArrays

_FIRST_CACHE_TOKENS = 32
# Sources of a lane get room in so many steps: fewer waste more on padding, more copy more often.
_SOURCE_STEPS = 4


class Lane:
    """Holds rows whose source has at most `longest_source` tokens."""

    def __init__(self, geometry: Geometry, longest_source: int) -> None:
        self._geometry = geometry
        self._source_step = -(-longest_source // _SOURCE_STEPS)
        # Replaced as a whole, and only once the new ones are complete: running out of memory while
        # growing leaves every row as it was.
        self.arrays = self._allocate(rows=1, source_tokens=1, cache_tokens=1)

    def add(
        self, first_row: int, sources: Sequence[Sequence[int]], encoded: Mapping[str, Array]
    ) -> None:
        """Puts encoded documents, one for each index of `encoded`, in the rows from `first_row`."""
        longest = max(len(source) for source in sources)
        num_rows = first_row + len(sources)
        if first_row == 0:
            self.arrays = self._allocate(rows=num_rows, source_tokens=longest, cache_tokens=1)
        else:
            self._ensure(rows=num_rows, source_tokens=longest, cache_tokens=1)
        for index, source in enumerate(sources):
            document = {name: array[index] for name, array in encoded.items()}
            self.arrays.store(first_row + index, source, document)

    def ensure_cache(self, cache_tokens: int) -> None:
        """Makes room for so many written tokens; raises ValueError past the last position."""
        if cache_tokens > self._geometry.max_positions:
            raise ValueError(
                f"position {cache_tokens - 1} is past the last, {self._geometry.max_positions - 1}"
            )
        self._ensure(rows=1, source_tokens=1, cache_tokens=cache_tokens)

    def move(self, source_row: int, target_row: int) -> None:
        """Copies all that a row holds over another."""
        self.arrays.move(source_row, target_row)

    def _ensure(self, *, rows: int, source_tokens: int, cache_tokens: int) -> None:
        now = self.arrays.capacity
        if (
            rows <= now.rows
            and source_tokens <= now.source_tokens
            and cache_tokens <= now.cache_tokens
        ):
            return
        grown = self._allocate(
            rows=max(rows, now.rows),
            source_tokens=max(source_tokens, now.source_tokens),
            cache_tokens=max(cache_tokens, now.cache_tokens),
        )
        grown.copy_from(self.arrays)
        self.arrays = grown

    def _allocate(self, *, rows: int, source_tokens: int, cache_tokens: int) -> LaneArrays:
        capacity = Capacity(
            rows=_doubled(1, rows),
            source_tokens=-(-source_tokens // self._source_step) * self._source_step,
            cache_tokens=min(
                _doubled(_FIRST_CACHE_TOKENS, cache_tokens), self._geometry.max_positions
            ),
        )
        return LaneArrays(self._geometry, capacity)


def _doubled(capacity: int, needed: int) -> int:
    while capacity < needed:
        capacity *= 2
    return capacity

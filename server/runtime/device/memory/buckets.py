"""The sizes that steps come in: each that occurs is bound, and captured, by itself."""

from bisect import bisect_left
from collections.abc import Sequence

_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_SOURCE = (64, 128, 192, 256, 384, 512, 768, 1024)
_SLOTS = (64, 128, 256, 512, 1024)
_TOKENS = (1, 2, 4, 8, 16)
# Far apart: it costs a step nothing to be told of a few more ids that may not follow.
_EXCLUDED = (16, 64, 256, 1024)


def fit(ladder: Sequence[int], needed: int) -> int:
    """The smallest of the ascending sizes that is enough; past the last one, its doubles."""
    index = bisect_left(ladder, needed)
    if index < len(ladder):
        return ladder[index]
    size = ladder[-1]
    while size < needed:
        size *= 2
    return size


def rows_ladder(max_rows: int) -> tuple[int, ...]:
    """Up to so many rows."""
    return _up_to(_ROWS, max_rows)


def source_ladder(longest: int) -> tuple[int, ...]:
    """Up to a longest source; no longer, since the encoder may have no places beyond."""
    return _up_to(_SOURCE, longest)


def fit_slots(needed: int) -> int:
    """Slots of a cache."""
    return fit(_SLOTS, needed)


def fit_tokens(needed: int) -> int:
    """Tokens of a row that are fed at once where no draft of a fixed length is."""
    return fit(_TOKENS, needed)


def fit_excluded(needed: int) -> int:
    """Ids that may not follow a token."""
    return fit(_EXCLUDED, needed)


def _up_to(ladder: Sequence[int], largest: int) -> tuple[int, ...]:
    sizes = list(ladder)
    while sizes[-1] < largest:
        sizes.append(2 * sizes[-1])
    return (*(size for size in sizes if size < largest), largest)

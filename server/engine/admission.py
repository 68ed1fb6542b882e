"""Who may start now: arithmetic on plain numbers."""

import enum
from bisect import bisect_left
from collections.abc import Sequence


class Batching(enum.StrEnum):
    """When waiting requests may join the running ones."""

    # As soon as a row is free, between any two steps.
    CONTINUOUS = "continuous"
    # All together, once everything that ran has finished.
    DYNAMIC = "dynamic"
    # One request at a time.
    OFF = "off"


def free_rows(batching: Batching, *, running: int, max_rows: int) -> int:
    """How many requests may start at this step."""
    match batching:
        case Batching.CONTINUOUS:
            return max_rows - running
        case Batching.DYNAMIC:
            return max_rows if running == 0 else 0
        case Batching.OFF:
            return 1 if running == 0 else 0


def lane_for(source_length: int, lanes: Sequence[int]) -> int:
    """The shortest lane that holds a source; lanes are in ascending order."""
    return lanes[bisect_left(lanes, source_length)]


def padded_tokens(lengths: Sequence[int]) -> int:
    """What a batch costs: every row is padded to the longest."""
    return max(lengths) * len(lengths)


def split_by_budget(lengths: Sequence[int], max_tokens: int) -> list[int]:
    """Cuts a row of lengths, in order, into batches whose padded cost fits the budget.

    Returns their sizes. A batch always holds at least one, so a source longer than the budget runs
    alone.
    """
    sizes: list[int] = []
    batch: list[int] = []
    for length in lengths:
        if batch and padded_tokens([*batch, length]) > max_tokens:
            sizes.append(len(batch))
            batch = []
        batch.append(length)
    return [*sizes, len(batch)] if batch else sizes

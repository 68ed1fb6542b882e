"""Who may start now: arithmetic on plain numbers."""

import enum
from bisect import bisect_left
from collections.abc import Sequence

# Documents are padded to the longest of those encoded with them. One that is this much shorter or
# longer than the first waits for company that suits it.
_MOST_PADDING = 1 / 8
# About as many as a summary has.
_MOST_STEPS_WAITED = 64


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


def may_join(*, waiting: int, running: int, waited_s: float, step_s: float) -> bool:
    """Whether those who wait may be encoded, where that keeps those that run waiting.

    They may once they are as many. Summaries are much alike in length, so whoever shares the
    processor with all comers ends late, and everybody does (docs/adr/0013-joining-by-majority.md).
    But nobody waits for others to come or go for more steps than a summary takes.
    """
    return waiting >= running or waited_s >= _MOST_STEPS_WAITED * step_s


def longest_source_for(source_length: int, lanes: Sequence[int]) -> int:
    """The shortest lane that holds a source; lanes are in ascending order."""
    return lanes[bisect_left(lanes, source_length)]


def padded_tokens(lengths: Sequence[int]) -> int:
    """What a batch costs: every row is padded to the longest."""
    return max(lengths) * len(lengths)


def alike(lengths: Sequence[int], max_tokens: int) -> set[int]:
    """Chooses who is encoded together with the first: indices, the first always among them.

    Those that come early go before those that come late, as long as their lengths differ little and
    the padded cost fits the budget; a source longer than the budget is encoded alone.
    """
    first = lengths[0]
    chosen = {0}
    longest = first
    for index, length in enumerate(lengths[1:], 1):
        if abs(length - first) > _MOST_PADDING * first:
            continue
        if max(longest, length) * (len(chosen) + 1) > max_tokens:
            break
        chosen.add(index)
        longest = max(longest, length)
    return chosen

"""How many tokens the rows of a lane should draft together."""

from collections.abc import Callable, Sequence

# A draft is the better choice only if it promises so much more: chances and costs are estimates,
# and a step without one is the leaner.
MARGIN = 1.05


def best_draft(outlooks: Sequence[Sequence[float]], cost: Callable[[int, int], float]) -> int:
    """The number of drafted tokens that writes most in the time it takes; 0 to draft nothing.

    Each outlook is a row's falling chances (see Strategy.outlook). All rows of a step feed equally
    many tokens, so a row that drafts fewer pays for the longest. cost(rows, tokens) is the time of
    a step in which every row feeds so many tokens.
    """
    rows = len(outlooks)
    longest = max(map(len, outlooks), default=0)
    if longest == 0:
        return 0
    written = float(rows)
    best, best_rate = 0, MARGIN * written / cost(rows, 1)
    for drafted in range(1, longest + 1):
        written += sum(chances[drafted - 1] for chances in outlooks if len(chances) >= drafted)
        rate = written / cost(rows, drafted + 1)
        if rate > best_rate:
            best, best_rate = drafted, rate
    return best

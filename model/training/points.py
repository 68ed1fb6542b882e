"""Lines through (progress, value) points: how a value moves over a run."""

from collections.abc import Sequence
from itertools import pairwise


def interpolate(points: Sequence[Sequence[float]], progress: float) -> float:
    """The value at `progress` on the line through the points, level beyond its ends."""
    if progress <= points[0][0]:
        return points[0][1]
    for (start, first), (end, last) in pairwise(points):
        if progress <= end:
            # In this form exact where an end is 0, which a share that is used up must be.
            return (first * (end - progress) + last * (progress - start)) / (end - start)
    return points[-1][1]

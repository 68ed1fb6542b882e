"""How much of each source a run draws as it goes on."""

from collections.abc import Sequence

from model.training.config import SourceConfig
from model.training.points import interpolate


def shares(sources: Sequence[SourceConfig], sizes: Sequence[int], progress: float) -> list[float]:
    """The share of each source in the samples drawn at this progress; they sum to one.

    A source with `share` points has the share that lies on the straight line between them. The
    others divide what is left in proportion to size times weight. Where every source has points,
    their shares are scaled to sum to one. That the points leave room is the configuration's to say.
    """
    fixed = [
        None if source.share is None else interpolate(source.share, progress) for source in sources
    ]
    taken = sum(share for share in fixed if share is not None)
    open_weights = [
        size * source.weight if share is None else 0.0
        for source, size, share in zip(sources, sizes, fixed, strict=True)
    ]
    total = sum(open_weights)
    if not total:
        return [(share or 0.0) / taken for share in fixed]
    left = max(0.0, 1 - taken)
    return [
        left * weight / total if share is None else share
        for weight, share in zip(open_weights, fixed, strict=True)
    ]

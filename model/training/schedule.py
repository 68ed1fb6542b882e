"""How far a run is, and what that means: for the learning rate, and for what it draws."""

import math
from collections.abc import Sequence

from model.training.config import ScheduleConfig, SourceConfig
from model.training.points import interpolate


class Schedule:
    """Warm-up by steps, then full, then down; over a number of steps or a budget of seconds.

    Progress is 0 before the first step and 1 when the run ends. By seconds it is the time spent
    training, over all the times that the run was started.
    """

    def __init__(self, config: ScheduleConfig) -> None:
        self._config = config

    def progress(self, step: int, seconds: float) -> float:
        """How far the run is after `step` steps and `seconds` seconds, between 0 and 1."""
        if self._config.steps is not None:
            return min(1.0, step / self._config.steps)
        assert self._config.seconds is not None
        return min(1.0, seconds / self._config.seconds)

    def rate(self, step: int, progress: float) -> float:
        """The share of the full learning rate that the step after `step` steps takes."""
        warm = min(1.0, (step + 1) / (self._config.warmup_steps + 1))
        return warm * self._decayed(progress)

    def _decayed(self, progress: float) -> float:
        config = self._config
        if config.decay == "constant" or progress <= config.hold:
            return 1.0
        down = (progress - config.hold) / (
            1 - config.hold
        )  # 0 where the decay begins, 1 at the end
        left = 1 - down if config.decay == "linear" else (1 + math.cos(math.pi * down)) / 2
        return config.floor + (1 - config.floor) * left


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

"""What is unusually large: pure arithmetic on the sizes of the recent past."""

from collections import deque

_REMEMBERED = 32
_FEWEST = 8
_UNUSUAL = 2.0


class Outliers:
    """Tells whether memory that was taken for a batch should be given back after it."""

    def __init__(self) -> None:
        self._sizes: deque[int] = deque(maxlen=_REMEMBERED)

    def observe(self, size: int) -> bool:
        """Takes a size; True if it is far beyond those that came before it.

        One that comes again is no outlier any more.
        """
        is_outlier = len(self._sizes) >= _FEWEST and size > _UNUSUAL * max(self._sizes)
        self._sizes.append(size)
        return is_outlier

"""The rule that no run of n tokens is written twice."""

from collections import defaultdict
from collections.abc import Sequence


class NoRepeatNgrams:
    """Knows which tokens would repeat an n-gram; each token costs constant time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._recent: tuple[int, ...] = ()
        self._followers: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)

    def push(self, token: int) -> None:
        """Takes the token just written."""
        if self._size == 0:
            return
        if len(self._recent) == self._size - 1:
            self._followers[self._recent].append(token)
            self._recent = (*self._recent, token)[1:]
        else:
            self._recent = (*self._recent, token)

    def forbidden(self) -> Sequence[int]:
        """Tokens that would complete an n-gram written before."""
        if self._size == 0:
            return ()
        return self._followers.get(self._recent, ())

"""The rule that no run of n tokens is written twice."""

from collections.abc import Sequence


class NoRepeatNgrams:
    """Knows which tokens would repeat an n-gram; each token costs constant time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._recent: tuple[int, ...] = ()
        self._followers: dict[tuple[int, ...], tuple[int, ...]] = {}

    def copy(self) -> "NoRepeatNgrams":
        """The rule as it stands, to go on by itself."""
        other = NoRepeatNgrams(self._size)
        other._recent, other._followers = self._recent, self._followers.copy()
        return other

    def push(self, token: int) -> None:
        """Takes the token just written."""
        recent = self._recent
        if len(recent) == self._size - 1:
            self._followers[recent] = (*self._followers.get(recent, ()), token)
            self._recent = (*recent, token)[1:]
        else:
            self._recent = (*recent, token)

    def forbidden(self) -> Sequence[int]:
        """Tokens that would complete an n-gram written before."""
        return self._followers.get(self._recent, ())

"""The rule that no run of n tokens is written twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence


class NoRepeatNgrams:
    """Knows which tokens would repeat an n-gram; each token costs constant time."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._recent: tuple[int, ...] = ()
        self._followers: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        # What the summary held when this began to look ahead of it.
        self._earlier: Mapping[tuple[int, ...], Sequence[int]] | None = None

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
        found = self._followers.get(self._recent, ())
        if self._earlier is None:
            return found
        return (*self._earlier.get(self._recent, ()), *found)

    def forbids(self, token: int) -> bool:
        """Whether a token would complete an n-gram written before."""
        return token in self._followers.get(self._recent, ()) or (
            self._earlier is not None and token in self._earlier.get(self._recent, ())
        )

    def look_ahead(self) -> "NoRepeatNgrams":
        """The same rule for guesses at what comes next: they may be pushed there, not seen here.

        It holds until the next push here.
        """
        assert self._earlier is None, "one look ahead at a time: guesses are not looked beyond"
        ahead = NoRepeatNgrams(self._size)
        ahead._recent = self._recent
        ahead._earlier = self._followers
        return ahead

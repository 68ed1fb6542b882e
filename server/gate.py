"""How much the server takes on at once: documents and tokens, whatever calls they came by."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from server.errors import Overloaded

_SHORTEST_RETRY_S, _LONGEST_RETRY_S = 0.1, 30.0
# Weight of the newest interval between two completions in their running mean.
_NEWEST = 0.1


class Gate:
    """Counts what is inside. Full means refused at once, with an estimate of when to come back."""

    def __init__(
        self,
        *,
        max_documents: int,
        max_tokens: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_documents, self._max_tokens = max_documents, max_tokens
        self._clock = clock
        self._documents = self._tokens = 0
        self._last_exit_s: float | None = None
        self._mean_interval_s = _SHORTEST_RETRY_S

    @property
    def documents(self) -> int:
        """Documents inside, waiting or running."""
        return self._documents

    @property
    def tokens(self) -> int:
        """Source tokens of the documents inside."""
        return self._tokens

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Takes a document in until the block ends, or raises Overloaded.

        Each request counts, also one that waits for the computation of another.
        """
        if self._documents >= self._max_documents:
            raise self._overloaded(f"{self._documents} documents are in work", self._max_documents)
        self._documents += 1
        try:
            yield
        finally:
            self._documents -= 1

    @contextmanager
    def carry(self, tokens: int) -> Iterator[None]:
        """Counts the tokens of one computation until the block ends, however many wait for it.

        Raises Overloaded if they are too many; one document alone always fits.
        """
        if self._tokens and self._tokens + tokens > self._max_tokens:
            problem = f"{self._tokens} source tokens are in work and this document has {tokens}"
            raise self._overloaded(problem, self._max_tokens)
        self._tokens += tokens
        try:
            yield
        finally:
            self._tokens -= tokens
            self._note_completion(self._clock())

    def _note_completion(self, now_s: float) -> None:
        """Learns how fast documents leave.

        Only while others are inside: idle time says nothing of it.
        """
        if self._last_exit_s is not None:
            interval_s = now_s - self._last_exit_s
            self._mean_interval_s += _NEWEST * (interval_s - self._mean_interval_s)
        self._last_exit_s = now_s if self._tokens else None

    def _overloaded(self, problem: str, limit: int) -> Overloaded:
        """Half of what is inside should have left by then."""
        retry_s = self._documents / 2 * self._mean_interval_s
        return Overloaded(
            f"{problem}, the limit is {limit}",
            retry_after_s=min(max(retry_s, _SHORTEST_RETRY_S), _LONGEST_RETRY_S),
        )

"""Identical requests share one computation."""

from collections.abc import AsyncGenerator

from server.errors import DeadlineExpired
from server.sharing.answer import Landing, RequestKey
from server.sharing.flight import Flight, Waiter, Work
from server.sharing.observer import SharingObserver, SilentSharingObserver
from server.types import Delta


class SingleFlight:
    """Knows the computations under way by what they compute."""

    def __init__(self, observer: SharingObserver | None = None) -> None:
        self._observer = observer or SilentSharingObserver()
        self._flights: dict[RequestKey, Flight] = {}
        # Those that nobody else may join.
        self._unshared: set[Flight] = set()

    def __len__(self) -> int:
        return len(self._flights)

    async def follow(
        self, key: RequestKey | None, work: Work, waiter: Waiter
    ) -> AsyncGenerator[Delta | Landing, None]:
        """Gives the text as it is written, if that is wanted, and then the outcome.

        Joins the computation that goes by the key, or else begins one; without a key it is nobody
        else's. Raises what that fails with, and DeadlineExpired at the waiter's own deadline.
        """
        num_shown = 0
        while True:
            flight = self._join_or_begin(key, work, waiter)
            with flight.waited_for_by(waiter):
                while True:
                    waiter.news.clear()
                    if waiter.wants_deltas and len(flight.text) > num_shown:
                        piece, num_shown = flight.text[num_shown:], len(flight.text)
                        yield Delta(text=piece, summary_tokens=flight.num_tokens)
                    elif flight.is_over:
                        break
                    else:
                        await flight.until_news(waiter)
            try:
                landing = flight.outcome()
            except DeadlineExpired:
                if waiter.is_late:
                    raise
                # Given up in the moment that we came. The text will be the same: go on with it.
                continue
            yield landing
            return

    def is_under_way(self, key: RequestKey | None) -> bool:
        """Whether a request of this key would join a computation."""
        flight = None if key is None else self._flights.get(key)
        return flight is not None and not flight.is_over

    def close(self) -> None:
        """Ends every computation."""
        for flight in [*self._flights.values(), *self._unshared]:
            flight.cancel()

    def _join_or_begin(self, key: RequestKey | None, work: Work, waiter: Waiter) -> Flight:
        if key is None:
            flight = Flight(work, on_over=self._unshared.discard)
            self._unshared.add(flight)
            return flight
        # One that has just failed may still be listed: whoever comes back must not meet it again.
        if self.is_under_way(key):
            waiter.has_joined = True
            self._observer.flight_joined()
            return self._flights[key]

        def forget(flight: Flight) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]

        waiter.has_joined = False
        flight = self._flights[key] = Flight(work, on_over=forget)
        return flight

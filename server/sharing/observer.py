"""What sharing tells of itself. Telemetry implements it, and sharing knows nothing of telemetry."""

from typing import Protocol


class SharingObserver(Protocol):
    """Receives figures on the event loop: must be quick and must not raise."""

    def flight_joined(self) -> None:
        """A request joined the computation of an identical one."""

    def cache_asked(self, *, hit: bool) -> None:
        """The result of a request was looked up."""

    def cache_evicted(self) -> None:
        """A result made room for a newer one."""

    def cache_holds(self, *, entries: int, size_bytes: int) -> None:
        """What the cache holds now."""


class SilentSharingObserver:
    """Listens to nothing."""

    def flight_joined(self) -> None:
        """Ignores it."""

    def cache_asked(self, *, hit: bool) -> None:
        """Ignores it."""

    def cache_evicted(self) -> None:
        """Ignores it."""

    def cache_holds(self, *, entries: int, size_bytes: int) -> None:
        """Ignores it."""

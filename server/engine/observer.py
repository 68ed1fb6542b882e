"""What the engine tells of itself while it runs.

Telemetry implements it, and the engine knows nothing of telemetry.
"""

from typing import Protocol

from server.types import FinishReason


class EngineObserver(Protocol):
    """Receives figures on the engine's thread: must be quick and must not raise."""

    def encoded(self, *, documents: int, tokens: int, padded_tokens: int, seconds: float) -> None:
        """A batch of documents went through the encoder."""

    def decoded(self, *, rows: int, steps: int, seconds: float) -> None:
        """So many decoder steps ran over this many rows, all but the first of them unasked."""

    def depths(self, *, waiting: int, running: int) -> None:
        """How many requests wait and run after a step."""

    def finished(
        self,
        *,
        reason: FinishReason,
        summary_tokens: int,
        steps: int,
        steps_wasted: int,
        drafted: int,
        accepted: int,
    ) -> None:
        """A summary was completed.

        Of its steps, those that were wasted wrote nothing; of the tokens guessed ahead, some were
        accepted.
        """

    def dropped(self, *, cause: str, stage: str) -> None:
        """A request left without a summary.

        `cause` is cancelled, deadline (which has passed), too_late (to be done before it) or
        failed; `stage` is waiting, encoding or running.
        """


class SilentObserver:
    """Listens to nothing."""

    def encoded(self, *, documents: int, tokens: int, padded_tokens: int, seconds: float) -> None:
        """Ignores it."""

    def decoded(self, *, rows: int, steps: int, seconds: float) -> None:
        """Ignores it."""

    def depths(self, *, waiting: int, running: int) -> None:
        """Ignores it."""

    def finished(
        self,
        *,
        reason: FinishReason,
        summary_tokens: int,
        steps: int,
        steps_wasted: int,
        drafted: int,
        accepted: int,
    ) -> None:
        """Ignores it."""

    def dropped(self, *, cause: str, stage: str) -> None:
        """Ignores it."""

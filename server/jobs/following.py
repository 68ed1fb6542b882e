"""How one request follows a run."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from server.jobs.job import Job
from server.jobs.run import JobRun
from server.types import Delta, Progress


class Following(ABC):
    """A request's part in a run; leaving the block ends it, early or not."""

    # Whether another request had begun the run.
    has_joined = False

    def __init__(self, run: JobRun, job: Job) -> None:
        self.run = run
        self._wants_news = job.request.wants_deltas
        self._progress: Progress | None = None
        self._num_shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.leave()

    def news(self) -> Progress | Delta | None:
        """What the request has not been told yet; None if it is up to date, or wants no news."""
        if not self._wants_news:
            return None
        if (progress := self.run.progress) is not None and progress != self._progress:
            self._progress = progress
            return progress
        if len(text := self.run.text) > self._num_shown:
            piece, self._num_shown = text[self._num_shown :], len(text)
            return Delta(text=piece, summary_tokens=self.run.num_tokens)
        return None

    @abstractmethod
    async def wait(self) -> None:
        """Waits for the run to go on; raises DeadlineExpired at the request's own deadline."""

    @abstractmethod
    def leave(self) -> None:
        """Ends the run, unless others follow it."""


class OwnRun(Following):
    """A run that nobody else may join."""

    async def wait(self) -> None:
        """Moves the run on, which watches the deadline itself."""
        await self.run.advance()

    def leave(self) -> None:
        """Ends the run."""
        self.run.close()

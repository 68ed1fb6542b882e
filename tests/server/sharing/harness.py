"""A service over an engine that does what a test tells it, and callers who note what they get."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from server.decoding.strategy import DraftCount, Hypothesis
from server.engine.pace import Pace
from server.engine.request import EngineRequest, Event, Failed, Finished, Stamps, Written
from server.errors import RequestError
from server.gate import Gate
from server.service import SummaryService
from server.sharing.observer import SilentSharingObserver
from server.sharing.result_cache import ResultCache
from server.streams import EngineStreams
from server.types import Delta, FinishReason, Progress, ServedModel, Summary, SummaryRequest
from tests.server.factories import BUNDLE, make_model, make_request

PATIENCE_S = 30
TEXT = "one two three four five"
TOKENS = BUNDLE.tokenizer.encode(TEXT)


class ScriptedEngine:
    """Writes when it is told to, and keeps an account of who wants what."""

    def __init__(self, streams: EngineStreams) -> None:
        self.requests: list[EngineRequest] = []
        self.cancelled: set[int] = set()
        self._written: dict[int, list[int]] = {}
        self._num_told: dict[int, int] = {}
        self._deliver = streams.deliver_to(asyncio.get_running_loop())
        streams.connect(self)

    def submit(self, request: EngineRequest) -> None:
        self.requests.append(request)
        self._written[request.id], self._num_told[request.id] = [], 0

    def cancel(self, request_id: int) -> None:
        self.cancelled.add(request_id)

    @property
    def num_live(self) -> int:
        """Requests that somebody wants."""
        return len(self.requests) - len(self.cancelled)

    def write(self, *tokens: int, index: int = 0) -> None:
        """A step in which a request gets more tokens; told, if wanted, is all that was not."""
        request = self.requests[index]
        written = self._written[request.id]
        written += tokens
        if request.terms.wants_tokens:
            untold = written[self._num_told[request.id] :]
            self._num_told[request.id] = len(written)
            self._deliver([Written(request.id, untold)])

    def finish(
        self, index: int = 0, hypotheses: Sequence[Hypothesis] = (), stage_s: float = 0.0
    ) -> None:
        """The end of a request: of what was written, unless there are hypotheses."""
        request = self.requests[index]
        written = Hypothesis(self._written[request.id], FinishReason.STOP, -0.5)
        submitted_s = request.submitted_s or 0.0
        stamps = Stamps(*(submitted_s + number * stage_s for number in range(4)))
        drafting = DraftCount(drafted=6, accepted=4)
        self._end(Finished(request.id, list(hypotheses) or [written], 3, drafting, stamps))

    def fail(self, error: RequestError, index: int = 0) -> None:
        """The end of a request without a summary."""
        self._end(Failed(self.requests[index].id, error))

    def _end(self, event: Event) -> None:
        self._deliver([event])


class Counts(SilentSharingObserver):
    """Counts what sharing tells of itself."""

    def __init__(self) -> None:
        self.joins = 0
        self.asked: list[bool] = []

    def flight_joined(self) -> None:
        self.joins += 1

    def cache_asked(self, *, hit: bool) -> None:
        self.asked.append(hit)


class Caller:
    """One request, what it got so far and how it ended."""

    def __init__(self, service: SummaryService, request: SummaryRequest) -> None:
        self.deltas: list[Delta] = []
        self.progress: list[Progress] = []
        self.task = asyncio.create_task(self._call(service, request))

    @property
    def text(self) -> str:
        """The deltas, joined."""
        return "".join(delta.text for delta in self.deltas)

    async def summary(self) -> Summary:
        """The whole answer."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.task

    async def leave(self) -> None:
        """Goes before the answer is there."""
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _call(self, service: SummaryService, request: SummaryRequest) -> Summary:
        *_, last = [self._note(event) async for event in service.summarise(request)]
        assert isinstance(last, Summary)
        return last

    def _note(self, event: Progress | Delta | Summary) -> Progress | Delta | Summary:
        match event:
            case Progress():
                self.progress.append(event)
            case Delta():
                self.deltas.append(event)
        return event


class Harness:
    """A service, its engine and its gate."""

    def __init__(
        self,
        *,
        cache_bytes: int = 0,
        max_documents: int = 10,
        model: ServedModel | None = None,
        **options: Any,
    ) -> None:
        streams = EngineStreams()
        self.engine = ScriptedEngine(streams)
        # How fast the machine is said to be: None is not known, and refuses nobody.
        self.pace: Pace | None = None
        self.gate = Gate(
            max_documents=max_documents, max_tokens=10**6, max_rows=16, pace=lambda: self.pace
        )
        self.counts = Counts()
        self._seeds = iter(range(100, 200))
        self.service = SummaryService(
            model or make_model(),
            BUNDLE.tokenizer,
            streams,
            self.gate,
            cache=ResultCache(cache_bytes, self.counts) if cache_bytes else None,
            observer=self.counts,
            draw_seed=lambda: next(self._seeds),
            **options,
        )

    def call(self, document: str = "A document.", **changes: Any) -> Caller:
        """Sends a request."""
        return Caller(self.service, make_request(document, **changes))

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Lets everyone go on until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await asyncio.sleep(0.0005)

    async def until_inside(self, num_documents: int, *, computations: int = 1) -> None:
        """Waits until so many requests wait, and so many computations are in the engine."""
        await self.until(
            lambda: (
                self.gate.documents == num_documents and len(self.engine.requests) == computations
            )
        )

    async def until_empty(self) -> None:
        """Waits until nothing is held any more."""
        await self.until(lambda: not (self.gate.documents or self.gate.tokens))
        assert self.engine.num_live == 0

"""The use case: a document in, its summary out. No grpc, no tensors."""

import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from weakref import WeakSet

from bundle.tokenizer import BundleTokenizer
from server.engine.pace import Work
from server.errors import DeadlineTooShort, EngineFailure, UnknownModel
from server.forecast import Forecast
from server.gate import Gate, Place
from server.jobs.answer import Answer, summary_for
from server.jobs.apart import ReaderProcess
from server.jobs.following import Following, OwnRun
from server.jobs.job import Job, admit
from server.jobs.run import JobRun, Means
from server.remeasure import Remeasurer
from server.sharing.observer import SharingObserver
from server.sharing.result_cache import ResultCache
from server.sharing.single_flight import SingleFlight
from server.streams import EngineStreams
from server.types import Delta, Origin, ServedModel, SummaryEvent, SummaryRequest, Timings

# The library lets go of the interpreter's lock while it tokenises.
_TOKENIZER_THREADS = 2
# A document that looks shorter than this many times the fewest tokens may be its own summary.
_MAY_BE_SHORT = 2


class SummaryService:
    """Summarises with one model."""

    def __init__(
        self,
        model: ServedModel,
        tokenizer: BundleTokenizer,
        streams: EngineStreams,
        gate: Gate,
        *,
        speculation: bool = True,
        single_flight: bool = True,
        cache: ResultCache | None = None,
        observer: SharingObserver | None = None,
        warm_up: SummaryRequest | None = None,
        draw_seed: Callable[[], int] = lambda: secrets.randbits(64),
    ) -> None:
        self._model = model
        self._gate = gate
        self._forecast = Forecast()
        self._warm_up = warm_up
        self._remeasurer = Remeasurer(self._measure, pace=gate.pace)
        self._flights = SingleFlight(observer) if single_flight else None
        self._cache = cache
        self._draw_seed = draw_seed
        self._threads = ThreadPoolExecutor(_TOKENIZER_THREADS, "tokenizer")
        self._apart = ReaderProcess(tokenizer)
        self._means = Means(
            tokenizer=tokenizer,
            threads=self._threads,
            apart=self._apart,
            streams=streams,
            gate=gate,
            forecast=self._forecast,
            speculation=speculation,
        )
        self._runs: WeakSet[JobRun] = WeakSet()

    def models(self) -> Sequence[ServedModel]:
        """Every model, the default one first."""
        return [self._model]

    def model(self, name: str, version: str) -> ServedModel:
        """Finds a model; "" takes the default one. Raises UnknownModel."""
        manifest = self._model.manifest
        if name in ("", manifest.name) and version in ("", manifest.version):
            return self._model
        available = f"{manifest.name} version {manifest.version}"
        raise UnknownModel(name or manifest.name, version, available)

    async def summarise(self, request: SummaryRequest) -> AsyncGenerator[SummaryEvent, None]:
        """Writes one summary: progress and deltas, if wanted, then exactly one Summary, last.

        An identical request that is being answered is joined, and one answered before may be in
        the cache. Raises RequestError. Ending early, by cancellation or aclose(), frees all that
        is held, except what others wait for.
        """
        job = admit(request, self.model, draw_seed=self._draw_seed)
        if (answer := self._cached(job)) is not None:
            if request.wants_deltas and answer.text:
                yield Delta(text=answer.text, summary_tokens=answer.summary_tokens)
            yield summary_for(job, answer, _only_total(job), Origin.CACHED)
            return
        with self._enter(job) as place, self._follow(job, place) as following:
            while (news := following.news()) is not None or not following.run.is_over:
                if news is not None:
                    yield news
                else:
                    await following.wait()
            outcome = following.run.outcome()
            timings = outcome.course.timings(arrived_s=job.arrived_s, answered_s=time.monotonic())
            origin = Origin.SHARED if following.has_joined else Origin.COMPUTED
            yield summary_for(job, outcome.answer, timings, origin)

    def close(self) -> None:
        """Lets go of the tokenising threads and of all runs."""
        for run in list(self._runs):
            run.close(EngineFailure("the server stopped before the summary was complete"))
        for executor in (self._threads, self._apart):
            executor.shutdown(wait=False, cancel_futures=True)

    def _cached(self, job: Job) -> Answer | None:
        return None if self._cache is None or job.key is None else self._cache.get(job.key)

    def _follow(self, job: Job, place: Place) -> Following:
        """Joins the run of an identical request, or begins one."""
        if self._flights is None or job.key is None:
            return OwnRun(self._begin(job, place), job)
        return self._flights.follow(job, job.key, lambda: self._begin(job, place))

    def _begin(self, job: Job, place: Place) -> JobRun:
        def keep(answer: Answer) -> None:
            if self._cache is not None and job.key is not None:
                self._cache.put(job.key, answer)

        run = JobRun(job, place, self._means, on_answer=keep)
        self._runs.add(run)
        return run

    @contextmanager
    def _enter(self, job: Job) -> Iterator[Place]:
        """Enters the gate. A refusal by an old estimate starts a new measurement."""
        try:
            with self._gate.enter(self._guess(job), job.request.deadline_s) as place:
                yield place
        except DeadlineTooShort:
            self._remeasurer.refused()
            raise

    def _guess(self, job: Job) -> Work | None:
        """The work of a document that nobody has read yet, or None if the gate should not ask.

        A request that joins a run asks no work. What a document asks that seems longer than the
        model reads at once depends on how it is read; one that may be its own summary is soon read.
        """
        if self._flights is not None and job.key is not None:
            if self._flights.is_under_way(job.key):
                return None
        tokens = self._forecast.tokens(job.document_bytes)
        shortest = _MAY_BE_SHORT * (job.model.manifest.limits.min_source_tokens or 0)
        if not shortest <= tokens <= job.model.max_source_tokens:
            return None
        return self._forecast.work(job.style, job.options, tokens)

    async def _measure(self) -> None:
        """Writes the warm-up summary once, without sharing or cache, to measure the speed."""
        if self._warm_up is None:
            return
        job = admit(self._warm_up, self.model, draw_seed=self._draw_seed)
        with OwnRun(self._begin(job, Place(Work(), None)), job) as following:
            while not following.run.is_over:
                await following.wait()
            following.run.outcome()


def _only_total(job: Job) -> Timings:
    total_s = time.monotonic() - job.arrived_s
    return Timings(queue_s=0, tokenize_s=0, encode_s=0, decode_s=0, total_s=total_s)

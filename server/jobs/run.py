"""A job under way: its windows are read, written by the engine and joined."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bundle.tokenizer import BundleTokenizer
from server.decoding.choose import make_strategy, speculation_off
from server.engine.pace import Work
from server.engine.request import Event, Failed, Finished, Terms, Written
from server.errors import DeadlineExpired, EngineFailure, RequestError
from server.forecast import Forecast
from server.gate import Gate, Place
from server.jobs.answer import (
    Answer,
    Course,
    Outcome,
    composed_answer,
    own_answer,
    written_answer,
)
from server.jobs.apart import read_apart
from server.jobs.composing import Composition
from server.jobs.job import Job
from server.jobs.reading import Reading, Window, read
from server.streams import EngineStream, EngineStreams
from server.text.detokenise import Detokeniser
from server.types import Progress

# A long document holds no more rows of the engine than this at once, so that others get in.
WINDOWS_AT_ONCE = 2
# To read a document of more bytes takes longer than to read most others.
_LONG_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every run of a service works with."""

    tokenizer: BundleTokenizer
    # They read documents and put summaries together: `apart` is for the long ones.
    threads: Executor
    apart: Executor
    streams: EngineStreams
    gate: Gate
    forecast: Forecast
    speculation: bool = True


@dataclass(slots=True, eq=False)
class _Writing:
    """A window on its way through the engine."""

    number: int
    window: Window
    text: Detokeniser
    finished: Finished | None = None


class JobRun:
    """Moves on only inside advance(), which may be cancelled and called again, by anyone.

    So a run needs no task of its own, and outlives the request that began it if another waits.
    """

    def __init__(
        self,
        job: Job,
        place: Place,
        means: Means,
        *,
        on_answer: Callable[[Answer], None] = lambda answer: None,
    ) -> None:
        self.terms = Terms(job.request.deadline_s, job.request.wants_deltas)
        # What may be shown so far.
        self.text = ""
        self.num_tokens = 0
        self._job, self._place, self._means, self._on_answer = job, place, means, on_answer
        self._outcome: Outcome | Exception | None = None
        self._held = ExitStack()
        self._started_s = self._read_s = time.monotonic()
        # Elsewhere: reads the document, and in the end may put the summary together.
        self._is_long = job.document_bytes > _LONG_BYTES
        self._thinking: asyncio.Future[Any] = (
            self._think(read_apart, job)
            if self._is_long
            else self._think(read, job, means.tokenizer)
        )
        self._reading: Reading | None = None
        self._stream: EngineStream | None = None
        self._waiting: Iterator[tuple[int, Window]] = iter(())
        self._writing: dict[int, _Writing] = {}

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome is not None

    @property
    def is_in_engine(self) -> bool:
        """Whether the engine watches the deadline."""
        return self._stream is not None

    @property
    def stage(self) -> str:
        """What is being done, for an error."""
        if self._reading is None:
            return "tokenised"
        return "in work" if self.is_in_engine else "put together"

    @property
    def progress(self) -> Progress | None:
        """How far it is, for a document of several windows that has been read."""
        if self._reading is None or len(self._reading.windows) <= 1:
            return None
        done = sum(each.finished is not None for each in self._writing.values())
        return Progress(done, len(self._reading.windows))

    @property
    def _is_late(self) -> bool:
        deadline_s = self.terms.deadline_s
        return deadline_s is not None and time.monotonic() >= deadline_s

    def outcome(self) -> Outcome:
        """What it ended with; raises what it failed with."""
        assert self._outcome is not None, "it goes on"
        if isinstance(self._outcome, RequestError):
            # Each who waited raises the same object: it must not gather all their tracebacks.
            raise self._outcome.with_traceback(None)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    async def advance(self) -> None:
        """Waits until something happens, and takes it in."""
        try:
            if self._stream is not None:
                event = await self._stream.next()
                if not self.is_over:
                    self._take(event)
            elif await self._until_thought():
                if self._reading is None:
                    self._has_read(self._thinking.result())
                else:
                    self._has_composed(self._thinking.result(), self._reading)
        except Exception as error:
            self._end(error)

    def close(self, error: RequestError | None = None) -> None:
        """Ends it and frees all that it holds; whoever waits raises the error."""
        if self.is_over:
            return
        if self._thinking.done():
            self._thinking.exception()  # looked at, so that nobody reports it as forgotten
        self._thinking.cancel()
        error = error or EngineFailure("the request was given up")
        if self._stream is not None:
            self._stream.interrupt(error)
        self._end(error)

    def _think(self, function: Callable[..., Any], *arguments: Any) -> "asyncio.Future[Any]":
        executor = self._means.apart if self._is_long else self._means.threads
        return asyncio.get_running_loop().run_in_executor(executor, function, *arguments)

    async def _until_thought(self) -> bool:
        """Waits for the thread; False if there is nothing to do with what it found."""
        thinking, deadline_s = self._thinking, self.terms.deadline_s
        patience_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        await asyncio.wait([thinking], timeout=patience_s)
        if self.is_over or self._thinking is not thinking or self._stream is not None:
            return False
        if not thinking.done() and self.terms.deadline_s == deadline_s:
            raise DeadlineExpired(self.stage)
        return thinking.done()  # else another waits for it by now, who has more time

    def _has_read(self, reading: Reading) -> None:
        self._reading = reading
        self._read_s = time.monotonic()
        if reading.own_summary is not None:
            self._end_with(own_answer(reading.own_summary, reading), ())
        elif reading.windows:
            self._enter_engine(reading)
        else:
            self._compose(reading)

    def _enter_engine(self, reading: Reading) -> None:
        means, job = self._means, self._job
        means.forecast.read(job.document_bytes, reading.num_tokens + reading.dropped_tokens)
        sizes = [len(window.ids) for window in reading.windows]
        works = [means.forecast.work(job.style, reading.options, size) for size in sizes]
        self._held.enter_context(
            means.gate.carry(
                self._place,
                sum(works, Work()),
                sum(sizes[:WINDOWS_AT_ONCE]),
                self.terms.deadline_s,
                # Others do not wait for the windows that have yet to come: these give way.
                held=sum(works[:WINDOWS_AT_ONCE], Work()),
            )
        )
        self._stream = means.streams.open(self.terms)
        self._waiting = enumerate(reading.windows, 1)
        for number, window in islice(self._waiting, WINDOWS_AT_ONCE):
            self._submit(number, window)

    def _submit(self, number: int, window: Window) -> None:
        reading, stream = self._reading, self._stream
        assert reading is not None
        assert stream is not None
        means, manifest = self._means, self._job.model.manifest
        strategy = make_strategy(
            reading.options,
            manifest.special_tokens,
            window.ids,
            geometry=manifest.geometry,
            spelling=means.tokenizer.spelling,
            speculation=means.speculation,
            keeps_looks=window.source is not None,
        )
        steps = means.forecast.steps(self._job.style, reading.options)
        yields = len(reading.windows) > 1
        request_id = stream.submit(window.ids, strategy, expected_steps=steps, yields=yields)
        self._writing[request_id] = _Writing(number, window, Detokeniser(means.tokenizer))

    def _take(self, event: Event) -> None:
        assert self._reading is not None
        writing = self._writing[event.request_id]
        num_windows = len(self._reading.windows)
        match event:
            case Written(tokens=tokens):
                for token in tokens:
                    writing.text.push(token)
            case Failed(error=DeadlineExpired()) if not self._is_late:
                # The engine judged by a deadline that was moved in the same moment. The text will
                # be the same.
                del self._writing[event.request_id]
                self._submit(writing.number, writing.window)
                return
            case Failed(error=error):
                raise error if num_windows == 1 else error.in_window(writing.number, num_windows)
            case Finished():
                self._finish(writing, event, self._reading)
        if self._reading.compose is None:
            self.text, self.num_tokens = writing.text.text, writing.text.num_tokens

    def _finish(self, writing: _Writing, finished: Finished, reading: Reading) -> None:
        writing.finished = finished
        best = finished.hypotheses[0]
        self._means.forecast.written(
            self._job.style,
            reading.options,
            tokens=len(best.tokens),
            steps=finished.steps,
            reason=best.reason,
        )
        # Without deltas on the way, all tokens come here at once.
        writing.text.hold(best.tokens[writing.text.num_tokens :])
        writing.text.finish()
        if (following := next(self._waiting, None)) is not None:
            self._submit(*following)
        elif all(each.finished for each in self._writing.values()):
            self._has_written(reading)

    @property
    def _written(self) -> Sequence[_Writing]:
        """The windows in the order of the document."""
        return sorted(self._writing.values(), key=lambda each: each.number)

    @property
    def _finished(self) -> Sequence[Finished]:
        return [each.finished for each in self._written if each.finished is not None]

    def _has_written(self, reading: Reading) -> None:
        if reading.compose is not None:
            self._compose(reading)
            return
        (written,), (finished,) = self._written, self._finished
        answer = written_answer(
            finished,
            written.text.text,
            reading,
            self._means.tokenizer,
            speculation_off=self._speculation_off(reading),
        )
        self._end_with(answer, self._finished)

    def _compose(self, reading: Reading) -> None:
        assert reading.compose is not None
        self._let_go()
        self._thinking = self._think(reading.compose, [each.text.text for each in self._written])

    def _has_composed(self, composition: Composition, reading: Reading) -> None:
        answer = composed_answer(
            composition,
            self._finished,
            reading,
            self._means.tokenizer,
            speculation_off=self._speculation_off(reading),
        )
        self._end_with(answer, self._finished)

    def _speculation_off(self, reading: Reading) -> str:
        return speculation_off(reading.options, speculation=self._means.speculation)

    def _end_with(self, answer: Answer, finished: Sequence[Finished]) -> None:
        self.text, self.num_tokens = answer.text, answer.summary_tokens
        stamps = [each.stamps for each in finished]
        self._end(Outcome(answer, Course(self._started_s, self._read_s, stamps)))
        self._on_answer(answer)

    def _end(self, outcome: Outcome | Exception) -> None:
        self._outcome = outcome
        self._let_go()

    def _let_go(self) -> None:
        """Frees the rows and what was counted in the gate."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._held.close()

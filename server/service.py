"""The use case: a document in, its summary out. No grpc, no tensors."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace

from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.decoding.choose import make_strategy, speculation_off
from server.engine.pace import Work
from server.engine.request import Failed, Finished, Written
from server.errors import DeadlineExpired, DeadlineTooShort, UnknownModel, Violation
from server.forecast import Forecast
from server.gate import Gate, Place
from server.remeasure import Remeasurer
from server.sharing.answer import Answer, Course, Landing, RequestKey
from server.sharing.flight import Flight, Waiter
from server.sharing.observer import SharingObserver
from server.sharing.result_cache import ResultCache
from server.sharing.single_flight import SingleFlight
from server.streams import EngineStreams
from server.text.detokenise import Detokeniser, whole_text
from server.text.fit import tokens_that_fit
from server.text.language import language_warnings
from server.text.phrases import with_phrases
from server.text.short_documents import OwnSummary, own_summary, short_document_warning
from server.text.validate import Resolved, find_violations, resolve
from server.types import (
    Alternative,
    Decoding,
    DecodingOptions,
    Delta,
    Method,
    Origin,
    ServedModel,
    Summary,
    SummaryRequest,
    SummaryWarning,
    Timings,
    Usage,
)

# The library lets go of the interpreter's lock while it tokenises.
_TOKENIZER_THREADS = 2


@dataclass(frozen=True, slots=True)
class _Source:
    """What the encoder reads, and options that know their token ids."""

    ids: list[int]
    options: DecodingOptions
    warnings: tuple[SummaryWarning, ...] = ()
    # Set where the document is its own summary, and the model is not asked.
    own_summary: OwnSummary | None = None


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
        self._tokenizer = tokenizer
        self._streams = streams
        self._gate = gate
        self._forecast = Forecast()
        self._warm_up = warm_up
        self._remeasurer = Remeasurer(self._measure, pace=gate.pace)
        self._speculation = speculation
        self._single_flight = single_flight
        self._cache = cache
        self._draw_seed = draw_seed
        self._flights = SingleFlight(observer)
        self._tokenizing = ThreadPoolExecutor(_TOKENIZER_THREADS, "tokenizer")

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

    def refusals(self, request: SummaryRequest) -> Sequence[Violation]:
        """What this model would refuse in a request; nothing, for a model that is not here."""
        try:
            return find_violations(request, self.model(request.model, request.model_version))
        except UnknownModel:
            return []

    async def summarise(self, request: SummaryRequest) -> AsyncGenerator[Delta | Summary, None]:
        """Writes one summary: deltas, if they are wanted, then exactly one Summary, last.

        An identical request that is being answered is joined, and one answered before may be in
        the cache. Raises RequestError. Ending early, by cancellation or aclose(), frees all that
        is held, except what others wait for.
        """
        arrived_s = time.monotonic()
        if request.deadline_s is not None and arrived_s >= request.deadline_s:
            raise DeadlineExpired("arriving")
        model = self.model(request.model, request.model_version)
        resolved, key = self._identify(request, model)
        if (answer := self._cached(key)) is not None:
            if request.wants_deltas and answer.text:
                yield Delta(text=answer.text, summary_tokens=answer.summary_tokens)
            yield _summary(request, model, answer, _only_total(arrived_s), Origin.CACHED)
            return

        async def compute(flight: Flight) -> Landing:
            landing = await self._compute(flight, request.document, resolved, model, place)
            if self._cache is not None and key is not None:
                self._cache.put(key, landing.answer)
            return landing

        waiter = Waiter(request.deadline_s, request.wants_deltas)
        shared_key = key if self._single_flight else None
        guess = None if self._flights.is_under_way(shared_key) else self._guess(request, resolved)
        with self._enter(guess, request.deadline_s) as place:
            async with aclosing(self._flights.follow(shared_key, compute, waiter)) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        yield event
                        continue
                    timings = event.course.timings(arrived_s=arrived_s, answered_s=time.monotonic())
                    origin = Origin.SHARED if waiter.has_joined else Origin.COMPUTED
                    yield _summary(request, model, event.answer, timings, origin)

    def close(self) -> None:
        """Lets go of the tokenising threads and of whatever is still computed."""
        self._flights.close()
        self._tokenizing.shutdown(wait=False, cancel_futures=True)

    def _identify(
        self, request: SummaryRequest, model: ServedModel
    ) -> tuple[Resolved, RequestKey | None]:
        """Fills in what was not said; the key is None for samples whose seed was not said."""
        resolved = resolve(request, model)
        if resolved.options.method is Method.SAMPLING and request.options.seed is None:
            seeded = replace(resolved.options, seed=self._draw_seed())
            return replace(resolved, options=seeded), None
        return resolved, RequestKey(
            bundle_sha256=model.bundle_sha256,
            style=resolved.style.name,
            options=resolved.options,
            prefix=resolved.prefix,
            banned_phrases=resolved.banned_phrases,
            document_sha256=hashlib.sha256(request.document.encode()).digest(),
        )

    def _cached(self, key: RequestKey | None) -> Answer | None:
        return None if self._cache is None or key is None else self._cache.get(key)

    def _guess(self, request: SummaryRequest, resolved: Resolved) -> Work | None:
        """The work of a document that nobody has read yet.

        None for one that seems too long for the model: it should hear of that, and not of a queue.
        """
        tokens = self._forecast.tokens(len(request.document.encode()))
        if tokens > self._model.max_source_tokens:
            return None
        return self._forecast.work(resolved.style, resolved.options, tokens)

    @contextmanager
    def _enter(self, guess: Work | None, deadline_s: float | None) -> Iterator[Place]:
        """Enters the gate. A refusal by an old estimate starts a new measurement."""
        try:
            with self._gate.enter(guess, deadline_s) as place:
                yield place
        except DeadlineTooShort:
            self._remeasurer.refused()
            raise

    async def _measure(self) -> None:
        """Writes the warm-up summary once, without sharing or cache, to measure the speed."""
        if self._warm_up is None:
            return
        resolved, _ = self._identify(self._warm_up, self._model)
        place, document = Place(Work(), None), self._warm_up.document

        async def compute(flight: Flight) -> Landing:
            return await self._compute(flight, document, resolved, self._model, place)

        waiter = Waiter(deadline_s=None, wants_deltas=False)
        async with aclosing(self._flights.follow(None, compute, waiter)) as events:
            async for _ in events:
                pass

    async def _compute(
        self,
        flight: Flight,
        document: str,
        resolved: Resolved,
        model: ServedModel,
        place: Place,
    ) -> Landing:
        """Writes a summary, and tells the flight of it as it grows."""
        started_s = time.monotonic()
        source = await asyncio.get_running_loop().run_in_executor(
            self._tokenizing, self._read, document, resolved, model
        )
        tokenized_s = time.monotonic()
        if (own := source.own_summary) is not None:
            flight.write(own.text, own.num_tokens)
            course = Course.without_model(started_s, tokenized_s)
            return Landing(self._answer_with_document(own, source), course)
        text = Detokeniser(self._tokenizer)
        strategy = make_strategy(
            source.options,
            model.manifest.special_tokens,
            source.ids,
            geometry=model.manifest.geometry,
            spelling=self._tokenizer.spelling,
            speculation=self._speculation,
        )
        self._forecast.read(len(document.encode()), len(source.ids))
        work = self._forecast.work(resolved.style, source.options, len(source.ids))
        with self._gate.carry(place, work, len(source.ids), flight.deadline_s):
            async with self._streams.open(
                source_ids=source.ids,
                strategy=strategy,
                expected_steps=self._forecast.steps(resolved.style, source.options),
                deadline_s=flight.deadline_s,
                wants_tokens=flight.wants_deltas,
            ) as events:
                flight.hand_terms_to(events.change_terms)
                async for event in events:
                    match event:
                        case Written(tokens=tokens):
                            for token in tokens:
                                text.push(token)
                            flight.write(text.text, text.num_tokens)
                        case Failed(error=error):
                            raise error
                        case Finished():
                            finished = event
        best = finished.hypotheses[0]
        self._forecast.written(
            resolved.style,
            source.options,
            tokens=len(best.tokens),
            steps=finished.steps,
            reason=best.reason,
        )
        # Without deltas on the way, all tokens come here at once.
        text.hold(best.tokens[text.num_tokens :])
        text.finish()
        flight.write(text.text, text.num_tokens)
        encode_started_s = tokenized_s + finished.queue_s
        encode_ended_s = encode_started_s + finished.encode_s
        course = Course(
            tokenize_started_s=started_s,
            tokenize_ended_s=tokenized_s,
            encode_started_s=encode_started_s,
            encode_ended_s=encode_ended_s,
            decode_ended_s=encode_ended_s + finished.decode_s,
        )
        return Landing(self._answer(text.text, source, finished), course)

    def _read(self, document: str, resolved: Resolved, model: ServedModel) -> _Source:
        """Does, on a thread of its own, all that is text: tokenises and looks at the language."""
        style = resolved.style
        normalised = normalise(document)
        text = (style.prefix_text or "") + normalised
        ids = tokens_that_fit(document, text, self._tokenizer, model)
        options = with_phrases(
            resolved.options,
            prefix=resolved.prefix,
            banned_phrases=resolved.banned_phrases,
            tokenizer=self._tokenizer,
            special=model.manifest.special_tokens,
        )
        source = _Source([*style.prefix_ids, *ids, *style.suffix_ids], options)
        fewest = model.manifest.limits.min_source_tokens or 0
        own_ids = self._tokenizer.encode(normalised) if style.prefix_text else ids
        if len(own_ids) < fewest:
            own = own_summary(normalised, own_ids, resolved, self._tokenizer)
            warning = short_document_warning(len(own_ids), fewest, is_returned=own is not None)
            return replace(source, warnings=(warning,), own_summary=own)
        warnings = language_warnings(normalised, model.manifest.languages)
        return replace(source, warnings=warnings)

    def _answer_with_document(self, own: OwnSummary, source: _Source) -> Answer:
        method = source.options.method
        return Answer(
            text=own.text,
            finish_reason=own.finish_reason,
            source_tokens=len(source.ids),
            summary_tokens=own.num_tokens,
            alternatives=(),
            decoding=Decoding(method=method, steps=0, drafted_tokens=0, accepted_tokens=0),
            seed=source.options.seed if method is Method.SAMPLING else None,
            warnings=source.warnings,
        )

    def _answer(self, text: str, source: _Source, finished: Finished) -> Answer:
        options, best = source.options, finished.hypotheses[0]
        return Answer(
            text=text,
            finish_reason=best.reason,
            source_tokens=len(source.ids),
            summary_tokens=len(best.tokens),
            alternatives=self._alternatives(text, finished) if options.num_summaries > 1 else (),
            decoding=Decoding(
                method=options.method,
                steps=finished.steps,
                drafted_tokens=finished.drafting.drafted,
                accepted_tokens=finished.drafting.accepted,
                speculation_off=speculation_off(options, speculation=self._speculation),
            ),
            seed=options.seed if options.method is Method.SAMPLING else None,
            warnings=source.warnings,
        )

    def _alternatives(self, best: str, finished: Finished) -> tuple[Alternative, ...]:
        others = [whole_text(self._tokenizer, each.tokens) for each in finished.hypotheses[1:]]
        return tuple(
            Alternative(
                text=text,
                score=each.score,
                finish_reason=each.reason,
                summary_tokens=len(each.tokens),
            )
            for text, each in zip([best, *others], finished.hypotheses, strict=True)
        )


def _only_total(arrived_s: float) -> Timings:
    return Timings(
        queue_s=0, tokenize_s=0, encode_s=0, decode_s=0, total_s=time.monotonic() - arrived_s
    )


def _summary(
    request: SummaryRequest, model: ServedModel, answer: Answer, timings: Timings, origin: Origin
) -> Summary:
    """Turns what identical requests share into the reply to one of them."""
    return Summary(
        text=answer.text,
        finish_reason=answer.finish_reason,
        usage=Usage(
            document_characters=len(request.document),
            source_tokens=answer.source_tokens,
            source_tokens_dropped=0,
            summary_tokens=answer.summary_tokens,
            chunks=1,
        ),
        timings=timings,
        model=model.manifest.name,
        model_version=model.manifest.version,
        request_id=request.request_id,
        decoding=answer.decoding,
        alternatives=answer.alternatives,
        seed=answer.seed,
        origin=origin,
        warnings=answer.warnings,
    )

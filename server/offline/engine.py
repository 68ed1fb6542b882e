"""The public face: documents in, summaries out, as many at once as fit."""

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from bundle.load import Bundle
from bundle.strict_json import parse
from server.engine.drive import let_go
from server.engine.engine import Engine
from server.engine.request import EngineRequest, Event, Failed, Finished, Terms, Written
from server.engine.runner import RunnerLostError
from server.errors import DeviceLost, RequestError
from server.offline.reading import Reader, Source
from server.offline.request import OfflineRequest, OfflineSummary, TracedParts
from server.offline.tokens import TokenEngine
from server.text.detokenise import Detokeniser
from server.types import Delta, Length, RequestedOptions, RequestedProvider

Outcome = OfflineSummary | RequestError
"""How a request ends."""

Numbered = Generator[tuple[int, Delta | Outcome], None, None]

# Documents taken in for each row: while some are written, the next ones wait.
_TAKEN_PER_ROW = 2


@dataclass(frozen=True, slots=True)
class _Document:
    """A document whose windows the engine is at work on, or will be."""

    index: int
    source: Source
    wants_deltas: bool
    # By the windows' requests, in the order of the document.
    texts: dict[int, Detokeniser]
    finished: dict[int, Finished]


class OfflineEngine:
    """A loaded model that summarises in this process, on the caller's thread.

    Documents are taken as they are needed, at most two for each row ahead of those that are done,
    so there may be any number of them. Only one run is at work at a time.
    """

    def __init__(
        self,
        bundle: str | os.PathLike[str],
        *,
        provider: RequestedProvider = "auto",
        strict: bool = False,
        device: int = 0,
        threads: int = 0,
        max_rows: int = 0,
        speculation: bool = True,
    ) -> None:
        """Loads the bundle in a directory. The settings are the server's; 0 chooses as it does.

        Raises BundleError, and ProviderError or RunnerError if the model cannot run where it is to.
        """
        self._tokens: TokenEngine | None = TokenEngine.load(
            Path(bundle),
            provider=provider,
            strict=strict,
            device=device,
            threads=threads,
            max_rows=max_rows,
        )
        self._engine = self._tokens.engine()
        self._reader = Reader(self.bundle, speculation=speculation)
        self._most_taken = _TAKEN_PER_ROW * self._tokens.max_rows
        self._numbers = count()
        self._is_at_work = False

    @property
    def tokens(self) -> TokenEngine:
        """What is below: for callers that have token ids."""
        if self._tokens is None:
            raise ValueError("the engine is closed")
        return self._tokens

    @property
    def bundle(self) -> Bundle:
        """The model's files: its manifest has the styles, their defaults and the limits."""
        return self.tokens.bundle

    @property
    def threads(self) -> int:
        """Threads of the CPU that compute."""
        return self.tokens.threads

    @property
    def provider(self) -> str:
        """The execution provider that the model runs on."""
        return self.tokens.runner.actual_provider

    def __enter__(self) -> "OfflineEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back the model's memory. Closing it twice does no harm."""
        if self._tokens is not None:
            self._tokens = None
            del self._engine

    def summarise(
        self,
        documents: str | Iterable[str],
        *,
        style: str = "",
        language: str = "",
        long_documents: str = "auto",
        length: Length | None = None,
        attribution: TracedParts = "",
        **options: Any,
    ) -> Iterator[OfflineSummary]:
        """Summarises documents and yields the summaries in their order.

        With `attribution`, each tells where its words or sentences stand in the document. `options`
        are the decoding options of the API, such as `num_beams=4`. Raises ValueError for an option
        of an unknown name or a wrong type; then, when the turn of a document comes that cannot be
        summarised, its RequestError, with a note that has its number.
        """
        requests = _requests(
            documents,
            style=style,
            language=language,
            long_documents=long_documents,
            length=length,
            attribution=attribution,
            options=_options(options),
        )
        return self._summarise(requests)

    def stream(
        self,
        documents: str | Iterable[str],
        *,
        style: str = "",
        language: str = "",
        long_documents: str = "auto",
        length: Length | None = None,
        attribution: TracedParts = "",
        **options: Any,
    ) -> Iterator[tuple[int, Delta | OfflineSummary]]:
        """Yields the text of each summary as it is written, with the number of its document.

        The deltas of a document, joined, are the text of its OfflineSummary, which comes after
        them. Those of several documents are mixed. Raises as summarise() does.
        """
        requests = _requests(
            documents,
            style=style,
            language=language,
            long_documents=long_documents,
            length=length,
            attribution=attribution,
            options=_options(options),
        )
        return self._stream(requests)

    def run(self, requests: Iterable[OfflineRequest], *, wants_deltas: bool = False) -> Numbered:
        """Summarises each request for itself, whatever becomes of the others.

        Yields, as it comes, deltas if they are wanted and then either the OfflineSummary or the
        RequestError, with the number of the request. Leaving early cancels the rest.
        """
        with self._at_work() as engine:
            waiting = enumerate(requests)
            inside: dict[int, _Document] = {}
            try:
                while True:
                    while len(inside) < self._most_taken and (taken := next(waiting, None)):
                        yield from self._begin(engine, inside, *taken, wants_deltas)
                    if not inside:
                        return
                    for event in engine.step():
                        yield from self._tell(engine, inside, event)
            except RunnerLostError:
                engine.abort_all(DeviceLost())
                self.close()
                raise
            finally:
                let_go(engine, inside)

    def _summarise(self, requests: Iterable[OfflineRequest]) -> Iterator[OfflineSummary]:
        with closing(in_order(self.run(requests))) as outcomes:
            for index, outcome in enumerate(outcomes):
                if isinstance(outcome, RequestError):
                    raise _with_number(outcome, index)
                yield outcome

    def _stream(
        self, requests: Iterable[OfflineRequest]
    ) -> Iterator[tuple[int, Delta | OfflineSummary]]:
        with closing(self.run(requests, wants_deltas=True)) as events:
            for index, event in events:
                if isinstance(event, RequestError):
                    raise _with_number(event, index)
                yield index, event

    @contextmanager
    def _at_work(self) -> Iterator[Engine]:
        _ = self.tokens  # raises if it is closed
        if self._is_at_work:
            raise RuntimeError("another run is at work: finish or close it first")
        self._is_at_work = True
        try:
            yield self._engine
        finally:
            self._is_at_work = False

    def _begin(
        self,
        engine: Engine,
        inside: dict[int, _Document],
        index: int,
        request: OfflineRequest,
        wants_deltas: bool,
    ) -> Numbered:
        """Reads a document and submits it, unless there is nothing to write."""
        try:
            source = self._reader.read(request)
        except RequestError as error:
            yield index, error
            return
        windows = () if source.reading.own_summary else source.reading.windows
        if not windows:
            yield from self._answer(index, source, [], [], wants_deltas=wants_deltas)
            return
        document = _Document(index, source, wants_deltas, {}, {})
        for window in windows:
            number = next(self._numbers)
            inside[number] = document
            document.texts[number] = Detokeniser(self.bundle.tokenizer)
            engine.submit(
                EngineRequest(
                    id=number,
                    source_ids=window.ids,
                    strategy=self._reader.strategy(source, window),
                    terms=Terms(wants_tokens=wants_deltas),
                )
            )

    def _tell(self, engine: Engine, inside: dict[int, _Document], event: Event) -> Numbered:
        """Turns an event of the engine into what a caller hears."""
        document = inside.get(event.request_id)
        if document is None:  # another of its windows has failed
            return
        index, text = document.index, document.texts[event.request_id]
        is_shown = document.wants_deltas and document.source.reading.compose is None
        match event:
            case Written(tokens=tokens):
                if (piece := "".join(map(text.push, tokens))) and is_shown:
                    yield index, Delta(text=piece, summary_tokens=text.num_tokens)
            case Failed(error=error):
                for number in document.texts:
                    inside.pop(number, None)
                    engine.cancel(number)
                yield index, error
            case Finished(hypotheses=hypotheses):
                del inside[event.request_id]
                document.finished[event.request_id] = event
                text.hold(hypotheses[0].tokens[text.num_tokens :])
                if (rest := text.finish()) and is_shown:
                    yield index, Delta(text=rest, summary_tokens=text.num_tokens)
                if len(document.finished) == len(document.texts):
                    yield from self._answer(
                        index,
                        document.source,
                        [document.finished[number] for number in document.texts],
                        [text.text for text in document.texts.values()],
                        wants_deltas=document.wants_deltas and not is_shown,
                    )

    def _answer(
        self,
        index: int,
        source: Source,
        finished: Sequence[Finished],
        texts: Sequence[str],
        *,
        wants_deltas: bool,
    ) -> Numbered:
        summary = self._reader.answer(source, finished, texts)
        if wants_deltas and summary.text:
            tokens = summary.usage.summary_tokens
            yield index, Delta(text=summary.text, summary_tokens=tokens)
        yield index, summary


def in_order(events: Numbered) -> Generator[Outcome, None, None]:
    """Outcomes in the order of their requests, each as soon as all before it are there."""
    done: dict[int, Outcome] = {}
    turn = 0
    with closing(events):
        for index, event in events:
            if not isinstance(event, Delta):
                done[index] = event
            while turn in done:
                yield done.pop(turn)
                turn += 1


def _requests(
    documents: str | Iterable[str], *, attribution: TracedParts, **fields: Any
) -> Iterator[OfflineRequest]:
    traced: TracedParts = parse(TracedParts, attribution, "attribution")  # type: ignore[arg-type]
    asked = OfflineRequest(attribution=traced, **fields)
    listed = [documents] if isinstance(documents, str) else documents
    return (replace(asked, document=document) for document in listed)


def _options(given: Mapping[str, Any]) -> RequestedOptions:
    """Raises ValueError for an unknown name or a value of another type."""
    as_json = {
        name: list(value) if isinstance(value, tuple) else value for name, value in given.items()
    }
    return parse(RequestedOptions, as_json, "options")


def _with_number(error: RequestError, index: int) -> RequestError:
    error.add_note(f"document {index}, counted from 0")
    return error

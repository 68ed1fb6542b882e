"""The use case: a document in, its summary out. No grpc, no tensors."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bundle.manifest import Style
from bundle.normalise import normalise
from bundle.tokenizer import BundleTokenizer
from server.decoding.greedy import Greedy
from server.engine.request import Failed, Finished
from server.errors import DeadlineExpired, UnknownModel, Violation
from server.gate import Gate
from server.streams import EngineStreams
from server.text.detokenise import Detokeniser
from server.text.validate import check_source_tokens, check_text_bytes, find_violations, resolve
from server.types import Delta, ServedModel, Summary, SummaryRequest, Timings, Usage

# The library lets go of the interpreter's lock while it tokenises.
_TOKENIZER_THREADS = 2


@dataclass(frozen=True, slots=True)
class _Source:
    """What the encoder reads, and what it took to make."""

    ids: list[int]
    num_document_tokens: int
    tokenize_s: float


class SummaryService:
    """Summarises with one model."""

    def __init__(
        self, model: ServedModel, tokenizer: BundleTokenizer, streams: EngineStreams, gate: Gate
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._streams = streams
        self._gate = gate
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

        Raises RequestError. Ending early, by cancellation or aclose(), frees all that is held.
        """
        arrived_s = time.monotonic()
        if request.deadline_s is not None and arrived_s >= request.deadline_s:
            raise DeadlineExpired("arriving")
        model = self.model(request.model, request.model_version)
        with self._gate.enter() as permit:
            resolved = resolve(request, model)
            source = await self._tokenize(request, resolved.style, model)
            check_source_tokens(source.num_document_tokens, model)
            permit.charge(len(source.ids))
            text = Detokeniser(self._tokenizer)
            strategy = Greedy(resolved.options, model.manifest.special_tokens)
            async with self._streams.open(
                source_ids=source.ids,
                strategy=strategy,
                deadline_s=request.deadline_s,
                wants_tokens=request.wants_deltas,
            ) as events:
                async for event in events:
                    match event:
                        case Failed(error=error):
                            raise error
                        case Finished():
                            for delta in _last_deltas(text, event, request.wants_deltas):
                                yield delta
                            yield _summary(request, model, source, text.text, event, arrived_s)
                        case _:
                            if piece := text.push(event.token):
                                yield Delta(text=piece, summary_tokens=text.num_tokens)

    def close(self) -> None:
        """Lets go of the tokenising threads."""
        self._tokenizing.shutdown(wait=False, cancel_futures=True)

    async def _tokenize(self, request: SummaryRequest, style: Style, model: ServedModel) -> _Source:
        """Tokenises on a thread; the caller waits for it no longer than until the deadline."""
        started_s = time.monotonic()
        left_s = None if request.deadline_s is None else request.deadline_s - started_s
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(left_s):
                ids = await loop.run_in_executor(
                    self._tokenizing, self._encode, request.document, style, model
                )
        except TimeoutError:
            raise DeadlineExpired("tokenised") from None
        return _Source(
            [*style.prefix_ids, *ids, *style.suffix_ids], len(ids), time.monotonic() - started_s
        )

    def _encode(self, document: str, style: Style, model: ServedModel) -> list[int]:
        text = (style.prefix_text or "") + normalise(document)
        check_text_bytes(text, self._tokenizer.longest_token_bytes, model)
        return self._tokenizer.encode(text)


def _last_deltas(text: Detokeniser, finished: Finished, wanted: bool) -> list[Delta]:
    """Completes the text. Without deltas on the way, all tokens come here at once."""
    text.hold(finished.tokens[text.num_tokens :])
    rest = text.finish()
    return [Delta(text=rest, summary_tokens=text.num_tokens)] if wanted and rest else []


def _summary(
    request: SummaryRequest,
    model: ServedModel,
    source: _Source,
    text: str,
    finished: Finished,
    arrived_s: float,
) -> Summary:
    return Summary(
        text=text,
        finish_reason=finished.reason,
        usage=Usage(
            document_characters=len(request.document),
            source_tokens=len(source.ids),
            source_tokens_dropped=0,
            summary_tokens=len(finished.tokens),
            chunks=1,
        ),
        timings=Timings(
            queue_s=finished.queue_s,
            tokenize_s=source.tokenize_s,
            encode_s=finished.encode_s,
            decode_s=finished.decode_s,
            total_s=time.monotonic() - arrived_s,
        ),
        model=model.manifest.name,
        model_version=model.manifest.version,
        request_id=request.request_id,
    )

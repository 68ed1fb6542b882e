"""A plain gRPC server over CTranslate2 that speaks our protocol, with batching of its own.

`python -m benchmarks.peers.ctranslate2_server MODEL --tokenizer FILE --reading JSON`. It is what an
engineer with CTranslate2 and an afternoon would serve: unary calls alone, one style, one model.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from tokenizers import Tokenizer

from benchmarks.peers.batching import Batcher, BatchLimits, QueueFull
from benchmarks.peers.text import one_line
from precis_client.stubs.summarizer.v1 import summarizer_pb2 as pb

# Its converters import these where they can; what serves needs neither, nor their memory.
sys.modules["torch"] = sys.modules["transformers"] = None  # type: ignore[assignment]

import ctranslate2  # noqa: E402 - only after that

_SERVICE = "summarizer.v1.Summarizer"
# A HealthCheckResponse that says SERVING; its package would hold protobuf back.
_SERVING = b"\x08\x01"
_GRACE_S = 5.0


@dataclass(frozen=True)
class Reading:
    """What stands around a document, and how its summary is written: the model's manifest."""

    name: str
    prefix_ids: Sequence[int]
    suffix_ids: Sequence[int]
    banned_ids: Sequence[int]
    max_tokens: int
    no_repeat_ngram_size: int
    max_source_tokens: int


class Summariser:
    """Texts to summaries by one translator, which computes as many batches at once as it has."""

    def __init__(self, translator: ctranslate2.Translator, tokenizer: Tokenizer, reading: Reading):
        self._translator = translator
        self._tokenizer = tokenizer
        self.reading = reading

    def read(self, document: str) -> list[str]:
        """A document as CTranslate2 takes it: the converted vocabulary names tokens by id."""
        ids = self._tokenizer.encode(one_line(document), add_special_tokens=False).ids
        whole = (*self.reading.prefix_ids, *ids, *self.reading.suffix_ids)
        return [f"t{token}" for token in whole]

    def write(self, documents: Sequence[list[str]]) -> list[list[int]]:
        """Computes a batch; it sorts by length itself."""
        results = self._translator.translate_batch(
            list(documents),
            beam_size=1,
            max_input_length=0,
            max_decoding_length=self.reading.max_tokens,
            no_repeat_ngram_size=self.reading.no_repeat_ngram_size,
            suppress_sequences=[[f"t{token}"] for token in self.reading.banned_ids],
        )
        return [[int(token[1:]) for token in result.hypotheses[0]] for result in results]

    def text(self, tokens: Sequence[int]) -> str:
        """The text of a summary."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()


class Service:
    """The calls of our protocol that a load test needs; what is not served is refused."""

    def __init__(self, summariser: Summariser, batcher: Batcher[list[str], list[int]]) -> None:
        self._summariser = summariser
        self._batcher = batcher

    async def summarize(self, request: pb.SummarizeRequest, context: Any) -> pb.SummarizeResponse:
        """Answers one document."""
        if request.HasField("options"):
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "options are not served")
        reading = self._summariser.reading
        document = self._summariser.read(request.document)
        if len(document) > reading.max_source_tokens:
            problem = f"{len(document)} tokens, at most {reading.max_source_tokens} are served"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the document has {problem}")
        try:
            tokens = await self._batcher.submit(document)
        except QueueFull as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        is_whole = len(tokens) < reading.max_tokens
        return pb.SummarizeResponse(
            summary=self._summariser.text(tokens),
            finish_reason=pb.FINISH_REASON_STOP if is_whole else pb.FINISH_REASON_LENGTH,
            usage=pb.Usage(
                document_characters=len(request.document),
                source_tokens=len(document),
                summary_tokens=len(tokens),
                chunks=1,
            ),
            model=reading.name,
        )

    async def get_model(self, request: pb.GetModelRequest, context: Any) -> pb.Model:
        """Describes the model."""
        return pb.Model(
            name=self._summariser.reading.name,
            description="CTranslate2 behind a plain gRPC server.",
            precision="int8",
            requested_provider="cpu",
            actual_provider=f"CTranslate2 {ctranslate2.__version__}",
        )


def main() -> None:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--reading", type=json.loads, required=True, help="see Reading, as JSON")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--engines", type=int, default=1, help="batches computed at once")
    parser.add_argument("--threads", type=int, default=1, help="of each engine")
    parser.add_argument("--max-batch", type=int, default=16)
    parser.add_argument("--max-delay-ms", type=float, default=0.0)
    parser.add_argument("--max-waiting", type=int, default=256)
    asyncio.run(_serve(parser.parse_args()))


async def _serve(parsed: argparse.Namespace) -> None:
    tokenizer = Tokenizer.from_file(str(parsed.tokenizer))
    tokenizer.encode_special_tokens = True
    translator = ctranslate2.Translator(
        str(parsed.model),
        device="cpu",
        compute_type="int8",
        inter_threads=parsed.engines,
        intra_threads=parsed.threads,
    )
    summariser = Summariser(translator, tokenizer, Reading(**parsed.reading))
    limits = BatchLimits(parsed.max_batch, parsed.max_delay_ms / 1000, parsed.max_waiting)
    batcher = Batcher(summariser.write, limits)
    service = Service(summariser, batcher)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (
            _handler(
                _SERVICE,
                Summarize=_unary(service.summarize, pb.SummarizeRequest),
                GetModel=_unary(service.get_model, pb.GetModelRequest),
            ),
            _handler("grpc.health.v1.Health", Check=grpc.unary_unary_rpc_method_handler(_check)),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{parsed.port}")
    summariser.write([summariser.read("A first document.")])
    await server.start()
    workers = [asyncio.create_task(batcher.work()) for _ in range(parsed.engines)]
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
    await server.stop(_GRACE_S)
    for worker in workers:
        worker.cancel()


def _handler(service: str, **methods: Any) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(service, methods)


def _unary(method: Callable[[Any, Any], Awaitable[Any]], request: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        method,
        request_deserializer=request.FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )


async def _check(request: bytes, context: Any) -> bytes:
    return _SERVING


if __name__ == "__main__":
    main()

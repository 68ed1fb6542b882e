"""This engine without its server: documents in, tokens out."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bundle.load import load_bundle
from server.decoding.choose import make_strategy
from server.engine.engine import Engine
from server.engine.lanes import lanes_for
from server.engine.request import EngineRequest, Event, Failed, Finished
from server.engine.scheduler import EngineConfig
from server.runtime.ort_runner import OrtRunner
from server.types import DecodingOptions

# As the server has it. Its table of providers would bring in the runtime of GPUs, whose memory has
# no place in a comparison of engines; tests/benchmarks/test_cpu.py compares this with the table.
MAX_ENCODE_TOKENS = 1024


class OurEngine:
    """A loaded bundle, and engines over it: one for each batch size, since it bounds the rows."""

    def __init__(self, directory: Path, *, threads: int) -> None:
        self.bundle = load_bundle(directory)
        self._lanes = lanes_for(self.bundle.manifest)
        self._runner = OrtRunner(self.bundle, threads=threads)

    @property
    def threads(self) -> int:
        """Threads that compute."""
        return self._runner.threads

    def engine(self, max_rows: int, **settings: Any) -> Engine:
        """A fresh engine; the runner's memory is handed on, so only one may be at work."""
        config = EngineConfig(
            self._lanes, max_rows, max_encode_tokens=MAX_ENCODE_TOKENS, **settings
        )
        return Engine(config, self._runner)

    def encode(self, documents: Sequence[Sequence[int]]) -> None:
        """Encodes documents together and throws away what comes out."""
        encoding = self._runner.begin_encoding(documents)
        while not encoding.advance():
            pass

    def request(
        self,
        request_id: int,
        source_ids: Sequence[int],
        options: DecodingOptions,
        *,
        wants_tokens: bool = False,
    ) -> EngineRequest:
        """A document as the engine takes it."""
        manifest = self.bundle.manifest
        strategy = make_strategy(
            options,
            manifest.special_tokens,
            source_ids,
            geometry=manifest.geometry,
            spelling=self.bundle.tokenizer.spelling,
            speculation=options.speculation,
        )
        return EngineRequest(
            id=request_id, source_ids=source_ids, strategy=strategy, wants_tokens=wants_tokens
        )


def finished(
    engine: Engine,
    run_step: Callable[[Callable[[], list[Event]]], list[Event]] = lambda step: step(),
) -> Iterator[Finished]:
    """Runs an engine until it is idle, each step by `run_step`; a failure is raised."""
    while not engine.is_idle:
        for event in run_step(engine.step):
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Finished):
                yield event

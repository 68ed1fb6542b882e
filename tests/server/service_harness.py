"""A service over the real model, and a view of what it holds."""

import asyncio
from pathlib import Path
from typing import Any

from server.engine.engine import Engine
from server.engine.loop import EngineLoop
from server.engine.observer import SilentObserver
from server.engine.scheduler import EngineConfig
from server.gate import Gate
from server.runtime.ort_runner import OrtRunner
from server.service import SummaryService
from server.streams import EngineStreams
from server.types import Delta, ServedModel, Summary, SummaryRequest
from tests.server.factories import BUNDLE

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ENGLISH = (EXAMPLES / "arxiv_en.txt").read_text("utf-8")
CHINESE = (EXAMPLES / "arxiv_zh.txt").read_text("utf-8")
PATIENCE_S = 30
_LANES = (256, 512, 1024)


class Drops(SilentObserver):
    """Remembers why requests left without a summary."""

    def __init__(self) -> None:
        self.causes: list[str] = []

    def dropped(self, *, cause: str, stage: str) -> None:
        self.causes.append(cause)


class Harness:
    """A service over the real model, and a view of what it holds."""

    def __init__(
        self, model: ServedModel, runner: OrtRunner, *, max_documents: int, **options: Any
    ) -> None:
        streams = EngineStreams()
        self.drops = Drops()
        self.engine = Engine(EngineConfig(_LANES, 16, 1024), runner, observer=self.drops)
        self.loop = EngineLoop(
            self.engine,
            deliver=streams.deliver_to(asyncio.get_running_loop()),
            on_fatal=lambda error: None,
        )
        streams.connect(self.loop)
        self.gate = Gate(max_documents=max_documents, max_tokens=10**6)
        self.service = SummaryService(model, BUNDLE.tokenizer, streams, self.gate, **options)
        self.loop.start()

    async def close(self) -> None:
        self.service.close()
        self.loop.stop()
        assert await asyncio.to_thread(self.loop.join, PATIENCE_S)

    async def until_empty(self) -> None:
        """Waits until neither the gate nor the engine holds anything."""
        async with asyncio.timeout(PATIENCE_S):
            while self.gate.documents or not self.engine.is_idle:
                await asyncio.sleep(0.005)


async def summarise(harness: Harness, request: SummaryRequest) -> tuple[list[Delta], Summary]:
    """The deltas and the whole answer."""
    *deltas, last = [event async for event in harness.service.summarise(request)]
    assert isinstance(last, Summary)
    assert all(isinstance(delta, Delta) for delta in deltas)
    return deltas, last  # type: ignore[return-value]

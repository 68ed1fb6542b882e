"""Measures each summary on its way out of the service."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from server.telemetry.metrics import Metrics
from server.types import Delta, ServedModel, Summariser, Summary, SummaryEvent, SummaryRequest


class MeasuredSummariser:
    """A Summariser that tells the metrics what passes through it and changes nothing."""

    def __init__(
        self, inner: Summariser, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._inner = inner
        self._metrics = metrics
        self._clock = clock

    def model(self, name: str, version: str) -> ServedModel:
        """Finds a model, as the inner one does."""
        return self._inner.model(name, version)

    def models(self) -> Sequence[ServedModel]:
        """Every model of the inner one."""
        return self._inner.models()

    async def summarise(self, request: SummaryRequest) -> AsyncGenerator[SummaryEvent, None]:
        """Writes one summary, as the inner one does."""
        last_s, tokens = self._clock(), 0
        async with aclosing(self._inner.summarise(request)) as events:
            async for event in events:
                match event:
                    case Delta():
                        now_s = self._clock()
                        if tokens:
                            self._metrics.more_text(
                                tokens=event.summary_tokens - tokens, seconds=now_s - last_s
                            )
                        else:
                            self._metrics.first_text(now_s - last_s)
                        last_s, tokens = now_s, event.summary_tokens
                    case Summary():
                        self._metrics.summarised(event)
                yield event

"""Measuring a summary on its way out, and changing nothing of it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import pytest

from server.errors import Overloaded
from server.telemetry.measured import MeasuredSummariser
from server.telemetry.metrics import Metrics
from server.types import Delta, ServedModel, Summary, SummaryRequest
from tests.server.rpc.fakes import make_model, make_summary

REQUEST = SummaryRequest(document="Text.", request_id="id")


class Clock:
    """Shows the times it is given, one at a look."""

    def __init__(self, *times_s: float) -> None:
        self._times_s = iter(times_s)

    def __call__(self) -> float:
        return next(self._times_s)


class Scripted:
    """Gives the events it is given; an exception among them is raised."""

    def __init__(self, *events: Delta | Summary | Exception) -> None:
        self._events = events
        self.is_closed = False

    def models(self) -> Sequence[ServedModel]:
        return [make_model()]

    def model(self, name: str, version: str) -> ServedModel:
        return make_model(bundle_sha256=f"{name}-{version}")

    async def summarise(self, request: SummaryRequest) -> AsyncGenerator[Delta | Summary, None]:
        try:
            for event in self._events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.is_closed = True


async def test_the_events_pass_unchanged() -> None:
    events = (Delta(text="A", summary_tokens=1), make_summary())
    measured = MeasuredSummariser(Scripted(*events), Metrics())

    assert [event async for event in measured.summarise(REQUEST)] == list(events)
    assert measured.models() == [make_model()]
    assert measured.model("a", "1").bundle_sha256 == "a-1"


async def test_the_first_text_and_the_time_per_token_after_it_are_measured() -> None:
    metrics = Metrics()
    events = (
        Delta(text="A", summary_tokens=2),
        Delta(text="b", summary_tokens=6),
        make_summary(),
    )
    clock = Clock(10.0, 10.25, 10.75)
    measured = MeasuredSummariser(Scripted(*events), metrics, clock=clock)

    _ = [event async for event in measured.summarise(REQUEST)]

    value = metrics.registry.get_sample_value
    assert value("precis_time_to_first_token_seconds_sum") == 0.25
    assert value("precis_inter_token_latency_seconds_sum") == 0.5 / 4
    assert value("precis_inter_token_latency_seconds_count") == 1
    assert value("precis_e2e_request_latency_seconds_count") == 1


async def test_an_error_passes_and_is_no_summary() -> None:
    metrics = Metrics()
    measured = MeasuredSummariser(
        Scripted(Overloaded("full", quota="documents", retry_after_s=1.0)), metrics
    )

    with pytest.raises(Overloaded):
        _ = [event async for event in measured.summarise(REQUEST)]

    assert metrics.registry.get_sample_value("precis_e2e_request_latency_seconds_count") == 0


async def test_leaving_early_closes_what_is_measured() -> None:
    inner = Scripted(Delta(text="A", summary_tokens=1), make_summary())

    async with aclosing(MeasuredSummariser(inner, Metrics()).summarise(REQUEST)) as events:
        async for _ in events:
            break

    assert inner.is_closed

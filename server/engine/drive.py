"""Runs an engine to its end, for callers that have no event loop."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from server.engine.engine import Engine
from server.engine.request import EngineRequest, Event, Failed, Finished

RunStep = Callable[[Callable[[], list[Event]]], list[Event]]


def drive(
    engine: Engine,
    requests: Sequence[EngineRequest] = (),
    *,
    at_steps: Iterable[int] | None = None,
    run_step: RunStep = lambda step: step(),
) -> Iterator[Event]:
    """Steps an engine until it is idle, and yields its events.

    All requests are submitted before the first step, or each before the step that `at_steps` names
    for it. `run_step` is given each step to run, so that it can be timed.
    """
    steps = [0] * len(requests) if at_steps is None else at_steps
    coming = deque(sorted(zip(steps, requests, strict=True), key=lambda pair: pair[0]))
    for step in count():
        while coming and coming[0][0] <= step:
            engine.submit(coming.popleft()[1])
        if engine.is_idle and not coming:
            return
        yield from run_step(engine.step)


def finish(
    engine: Engine,
    requests: Sequence[EngineRequest],
    *,
    at_steps: Iterable[int] | None = None,
    run_step: RunStep = lambda step: step(),
) -> list[Finished]:
    """Drives an engine, and returns how each request finished, in their order.

    Raises the error of the first request that fails.
    """
    finished = {}
    for event in drive(engine, requests, at_steps=at_steps, run_step=run_step):
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Finished):
            finished[event.request_id] = event
    return [finished[request.id] for request in requests]


def let_go(engine: Engine, request_ids: Iterable[int]) -> None:
    """Cancels requests and waits until nothing of them is left in the runner."""
    for request_id in request_ids:
        engine.cancel(request_id)
    for _ in drive(engine):
        pass

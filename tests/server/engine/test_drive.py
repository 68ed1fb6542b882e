"""Running an engine to its end: who comes when, and what is left afterwards."""

from collections.abc import Callable

import pytest

from server.engine.drive import drive, finish, let_go
from server.engine.request import EngineRequest, Event, Finished
from server.errors import EngineFailure
from tests.server.engine.scripted import ScriptedRunner, make_engine, make_request


def test_requests_are_answered_in_their_order_whoever_finishes_first() -> None:
    engine = make_engine(ScriptedRunner())
    requests = [make_request(7, (10, 11, 12, 13)), make_request(3, (10,))]
    ended = [event.request_id for event in drive(engine, requests)]
    assert ended == [3, 7]
    requests = [make_request(7, (10, 11, 12, 13)), make_request(3, (10,))]
    finished = finish(make_engine(ScriptedRunner()), requests)
    assert [each.request_id for each in finished] == [7, 3]
    assert finished[0].hypotheses[0].tokens == [12, 13, 10, 11]


def test_each_request_comes_before_the_step_that_is_named_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = make_engine(ScriptedRunner())
    log: list[str] = []
    submit = engine.submit

    def spy(request: EngineRequest) -> None:
        log.append(f"request {request.id}")
        submit(request)

    def run_step(step: Callable[[], list[Event]]) -> list[Event]:
        log.append("step")
        return step()

    monkeypatch.setattr(engine, "submit", spy)
    requests = [make_request(i, (10, 11)) for i in range(4)]
    finish(engine, requests, at_steps=(2, 0, 30, 2), run_step=run_step)
    assert log[:6] == ["request 1", "step", "step", "request 0", "request 3", "step"]
    assert log[:31].count("step") + 3 == 31, "one that comes later is waited for"
    assert log.index("request 2") == 33


def test_the_first_failure_is_raised() -> None:
    runner = ScriptedRunner()
    runner.poison = 99
    with pytest.raises(EngineFailure, match="poisoned"):
        finish(make_engine(runner), [make_request(0, (10,)), make_request(1, (99,))])


def test_of_requests_that_are_let_go_nothing_is_left() -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner)
    events = drive(engine, [make_request(i, (10,) * (2 + 12 * i)) for i in range(2)])
    assert isinstance(next(events), Finished)
    assert not engine.is_idle
    let_go(engine, range(2))
    assert engine.is_idle
    assert runner.rows == {}

"""Waiting requests that can no longer finish in time are refused before they cost anything."""

import pytest

from server.engine.engine import Engine
from server.engine.pace import Pace
from server.engine.request import EngineRequest, Row
from server.engine.triage import refusals
from server.errors import DeadlineTooShort, Overloaded
from tests.server.engine.scripted import ScriptedRunner, failed, finished, make_engine, make_request

NOW_S = 100.0
# Encoding costs nothing, so that a document of 10 steps takes 1 s alone and in company.
FREE_COMPANY = Pace(token_s=0.0, step_start_s=0.1, step_row_s=0.0)
# Every row makes the steps of the others longer: 10 steps take 1 s alone, and 4 s in fours.
DEAR_COMPANY = Pace(token_s=0.0, step_start_s=0.0, step_row_s=0.1)


def waiting(*remaining_s: float | None, steps: int = 10) -> list[Row]:
    rows = []
    for number, left_s in enumerate(remaining_s):
        request = make_request(number, deadline_s=None if left_s is None else NOW_S + left_s)
        request.expected_steps = steps
        rows.append(Row(request, submitted_s=NOW_S))
    return rows


def refused(
    rows: list[Row], pace: Pace, *, running_rows: int = 0, free: int = 16
) -> dict[int, Exception]:
    found = refusals(rows, pace, NOW_S, running_rows=running_rows, free=free)
    return {row.request.id: error for row, error in found}


def test_a_request_that_can_finish_in_time_stays() -> None:
    assert refused(waiting(1.1, None, 1.1), FREE_COMPANY) == {}


def test_a_request_that_only_an_idle_server_could_finish_gets_a_retry_time() -> None:
    (error,) = refused(waiting(2.0), DEAR_COMPANY, running_rows=3).values()
    assert isinstance(error, Overloaded)
    assert error.retry_after_s == pytest.approx(2)
    assert "would be done in about 4 s, and 2 s are left" in str(error)


def test_a_request_that_not_even_an_idle_server_could_finish_gets_the_estimate() -> None:
    (error,) = refused(waiting(0.5), DEAR_COMPANY, running_rows=3).values()
    assert isinstance(error, DeadlineTooShort)
    assert (error.estimate_s, error.remaining_s) == (pytest.approx(1), pytest.approx(0.5))


def test_a_request_behind_too_much_work_is_refused_while_it_waits() -> None:
    # One row, which is taken: the second of the queue ends after 2 s, the third after 3 s.
    found = refused(waiting(9.0, 2.5, 2.5), FREE_COMPANY, running_rows=1, free=0)
    assert list(found) == [2]


def test_a_refused_request_delays_nobody_behind_it() -> None:
    found = refused(waiting(0.5, 0.5, 0.5, 1.5), FREE_COMPANY, running_rows=1, free=0)
    assert list(found) == [0, 1, 2]


def test_cancelled_and_expired_requests_are_not_refused_again() -> None:
    rows = waiting(-1.0, 0.1)
    rows[1].cancelled = True
    assert refused(rows, FREE_COMPANY) == {}


def measured_engine(runner: ScriptedRunner, **options: bool) -> tuple[Engine, int]:
    engine = make_engine(runner, max_rows=2, **options)
    engine.submit(make_request(0))
    while not engine.is_idle:
        engine.step()
    return engine, len(runner.encoded)


def ask(request_id: int, runner: ScriptedRunner, left_s: float) -> EngineRequest:
    request = make_request(request_id, deadline_s=runner.clock.now_s + left_s)
    request.expected_steps = 5
    return request


def test_a_request_that_cannot_be_done_in_time_is_refused_and_never_encoded() -> None:
    runner = ScriptedRunner()
    engine, encoded = measured_engine(runner)
    engine.submit(ask(1, runner, 3.0))
    events = engine.step()
    assert isinstance(failed(events)[1].error, DeadlineTooShort)
    assert len(runner.encoded) == encoded
    assert engine.is_idle


def test_a_request_that_can_be_done_in_time_is_done() -> None:
    runner = ScriptedRunner()
    engine, _ = measured_engine(runner)
    engine.submit(ask(1, runner, 60.0))
    events = []
    while not engine.is_idle:
        events += engine.step()
    assert list(finished(events)) == [1]


def test_a_machine_that_becomes_slower_empties_the_queue_of_what_it_cannot_do() -> None:
    slowness = 1.0
    runner = ScriptedRunner(step_s=lambda rows, tokens: slowness)
    engine, _ = measured_engine(runner)
    for number in (1, 2):
        engine.submit(make_request(number, max_tokens=400))
    engine.step()
    for number in range(3, 6):
        engine.submit(ask(number, runner, 60.0))
    events = engine.step()
    assert not failed(events)

    slowness = 20.0
    for _ in range(3):
        events += engine.step()

    assert {type(each.error) for each in failed(events).values()} <= {Overloaded, DeadlineTooShort}
    assert 5 in failed(events)


def test_where_it_is_switched_off_a_request_waits_until_its_deadline() -> None:
    runner = ScriptedRunner()
    engine, encoded = measured_engine(runner, refuses_late=False)
    engine.submit(ask(1, runner, 3.0))
    engine.step()
    assert len(runner.encoded) == encoded + 1

"""Windows of a long document give way to other requests, though not for ever."""

from dataclasses import replace

import pytest

from server.engine.admission import Batching
from server.engine.engine import Engine
from server.engine.request import LONGEST_YIELD_S, EngineRequest
from tests.server.engine.scripted import ScriptedRunner, finished, make_engine, make_request, run
from tests.server.engine.scripted_model import make_source

LONG = 16


def window(request_id: int, **changes: int) -> EngineRequest:
    return replace(make_request(request_id, make_source(request_id, LONG), **changes), yields=True)


def headline(request_id: int) -> EngineRequest:
    return make_request(request_id, max_tokens=3)


def alone(request: EngineRequest) -> list[int]:
    """What is written of a request that has the engine to itself."""
    engine = make_engine(ScriptedRunner())
    engine.submit(request)
    return finished(run(engine))[request.id]


def until_done(engine: Engine, request_id: int) -> None:
    for _ in range(100):
        if request_id in finished(engine.step()):
            return
    raise AssertionError(f"{request_id} is still not done")


def test_a_window_is_encoded_slice_by_slice_and_set_aside_for_whoever_comes() -> None:
    runner = ScriptedRunner(slices=4, slice_s=0.1, step_s=lambda rows, tokens: 0.01)
    engine = make_engine(runner)
    engine.submit(window(0))
    engine.step()
    assert runner.log == ["slice"]
    engine.submit(headline(1))
    until_done(engine, 1)
    assert [encoding.slices_left for encoding in runner.begun] == [3, 0]
    run(engine)
    assert [encoding.slices_left for encoding in runner.begun] == [0, 0]


def test_a_window_that_is_written_pauses_while_others_are_served() -> None:
    runner = ScriptedRunner(slice_s=0.01, step_s=lambda rows, tokens: 0.01)
    engine = make_engine(runner)
    engine.submit(window(0, max_tokens=50))
    while not runner.decoded:
        engine.step()
    runner.decoded.clear()
    engine.submit(headline(1))
    until_done(engine, 1)
    assert {batch.lane.longest_source for batch in runner.decoded} == {4}


def test_what_gave_way_is_written_as_if_it_had_been_alone() -> None:
    runner = ScriptedRunner(slices=3, slice_s=0.1, step_s=lambda rows, tokens: 0.01)
    engine = make_engine(runner)
    engine.submit(window(0, max_tokens=8))
    events = []
    for step in range(30):
        if step % 5 == 1:
            engine.submit(headline(10 + step))
        events += engine.step()
    events += run(engine)
    assert finished(events)[0] == alone(window(0, max_tokens=8))


def test_a_window_does_not_start_before_whoever_waits() -> None:
    runner = ScriptedRunner(slice_s=0.01, step_s=lambda rows, tokens: 0.01)
    engine = make_engine(runner, max_rows=1)
    for request in (window(0), headline(1), headline(2)):
        engine.submit(request)
    until_done(engine, 2)
    assert tuple(window(0).source_ids) not in runner.encoded


def test_a_window_that_gave_way_long_enough_is_served_like_anybody() -> None:
    runner = ScriptedRunner(slice_s=0.01, step_s=lambda rows, tokens: 0.1)
    engine = make_engine(runner)
    submitted_s = runner.clock.now_s
    engine.submit(window(0, max_tokens=3))
    done = 0
    for number in range(1, 200):
        engine.submit(headline(number))
        if 0 in finished(engine.step()):
            done = number
            break
    assert done, "others came all the time, and it was never served"
    assert runner.clock.now_s - submitted_s >= LONGEST_YIELD_S


def test_windows_leave_half_of_the_rows_free() -> None:
    runner = ScriptedRunner(slice_s=0.01, step_s=lambda rows, tokens: 0.01)
    engine = make_engine(runner, max_rows=4)
    for number in range(4):
        engine.submit(window(number))
    for _ in range(8):
        engine.step()
        assert engine.scheduler.num_running <= 2


@pytest.mark.parametrize("batching", Batching)
@pytest.mark.parametrize("max_rows", [1, 2])
def test_everybody_is_served_in_the_end(batching: Batching, max_rows: int) -> None:
    runner = ScriptedRunner(slice_s=0.0, step_s=lambda rows, tokens: 0.0)
    engine = make_engine(runner, max_rows=max_rows, batching=batching)
    engine.submit(window(0, max_tokens=6))
    engine.submit(window(1, max_tokens=6))
    for _ in range(3):
        engine.step()
    engine.submit(headline(2))
    assert set(finished(run(engine))) == {0, 1, 2}


def test_a_window_that_is_cancelled_while_it_is_set_aside_is_let_go() -> None:
    runner = ScriptedRunner(slices=4, slice_s=0.1, step_s=lambda rows, tokens: 0.01)
    engine = make_engine(runner)
    engine.submit(window(0))
    engine.step()
    engine.submit(headline(1))
    engine.step()
    engine.cancel(0)
    assert set(finished(run(engine))) == {1}
    assert runner.begun[0].slices_left == 3

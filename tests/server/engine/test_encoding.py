"""Documents are encoded beside those that are being written: how long these are kept waiting."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.engine.admission import Batching
from server.engine.engine import Engine
from server.engine.request import Failed
from server.errors import DeadlineExpired
from tests.server.engine.scripted import ScriptedRunner, finished, make_engine, make_request, run
from tests.server.engine.scripted_model import make_source, said

documents = st.lists(
    st.tuples(st.integers(1, 16), st.integers(0, 20)),  # tokens, step at which it arrives
    min_size=1,
    max_size=16,
)


def start_writing(engine: Engine, runner: ScriptedRunner, rows: int) -> None:
    """Lets some rows run that are far from their end."""
    for i in range(rows):
        engine.submit(make_request(100 + i, make_source(i, 16)))
    while engine.scheduler.num_running < rows:
        engine.step()
    runner.log.clear()


def test_a_slice_is_encoded_between_two_steps() -> None:
    runner = ScriptedRunner(slices=3, slice_s=1.0)
    engine = make_engine(runner)
    start_writing(engine, runner, rows=1)
    engine.submit(make_request(0))
    for _ in range(4):
        engine.step()
    assert runner.log == ["slice", "step"] * 2 + ["slice", "step", "step"] + ["step"] * 2


def test_slices_fill_the_time_that_a_step_takes() -> None:
    runner = ScriptedRunner(slices=5, slice_s=0.4)
    engine = make_engine(runner)
    start_writing(engine, runner, rows=1)
    engine.submit(make_request(0))
    engine.step()
    assert runner.log == ["slice"] * 3 + ["step"]


def test_where_more_wait_than_run_they_keep_them_waiting_longer_in_proportion() -> None:
    runner = ScriptedRunner(slices=50, slice_s=0.5)
    engine = make_engine(runner, max_rows=8)
    start_writing(engine, runner, rows=2)
    for i in range(6):
        engine.submit(make_request(i))
    engine.step()
    assert runner.log == ["slice"] * 6 + ["step"]


def test_newcomers_keep_those_that_run_waiting_only_once_they_are_as_many() -> None:
    runner = ScriptedRunner(slices=1)
    engine = make_engine(runner, max_rows=8)
    start_writing(engine, runner, rows=2)

    engine.submit(make_request(0, make_source(50, 16)))
    engine.step()
    assert runner.log == ["step"]

    engine.submit(make_request(1, make_source(51, 16)))
    engine.step()
    assert runner.log == ["step", "slice", "step"]


def test_newcomers_who_join_at_once_wait_for_nobody() -> None:
    runner = ScriptedRunner(slices=1)
    engine = make_engine(runner, max_rows=8, joins_at_once=True)
    start_writing(engine, runner, rows=2)

    engine.submit(make_request(0, make_source(50, 16)))
    engine.step()

    assert runner.log == ["slice", "step"]


def test_newcomers_start_once_as_many_have_gone() -> None:
    runner = ScriptedRunner(slices=1)
    engine = make_engine(runner, max_rows=8)
    start_writing(engine, runner, rows=2)
    engine.submit(make_request(0, make_source(50, 16)))
    engine.step()

    engine.cancel(100)
    engine.step()

    assert runner.log == ["step", "slice", "step"]


def test_nobody_waits_for_company_for_more_steps_than_a_summary_takes() -> None:
    runner = ScriptedRunner(slices=1)
    engine = make_engine(runner, max_rows=8)
    start_writing(engine, runner, rows=3)
    engine.submit(make_request(0, make_source(50, 16)))
    engine.step()
    assert runner.log == ["step"]

    runner.clock.now_s += 63.0  # each step takes one
    engine.step()

    assert runner.log == ["step", "slice", "step"]


def test_where_documents_are_encoded_beside_the_steps_none_waits_for_company() -> None:
    runner = ScriptedRunner(encode_s=5.0)
    engine = make_engine(runner, max_rows=8)
    start_writing(engine, runner, rows=3)
    num_begun = len(runner.begun)

    engine.submit(make_request(0))
    engine.step()

    assert len(runner.begun) == num_begun + 1


def test_where_nobody_runs_all_that_may_start_are_encoded_first() -> None:
    runner = ScriptedRunner(slices=3)
    engine = make_engine(runner, max_encode_tokens=4)
    for i in range(3):
        engine.submit(make_request(i))
    engine.step()
    assert runner.log == ["slice"] * 9 + ["step"]


def test_an_engine_that_does_not_slice_encodes_a_batch_in_one_go() -> None:
    runner = ScriptedRunner(slices=5, slice_s=1.0)
    engine = make_engine(runner, max_encode_tokens=4, slices_encoding=False)
    start_writing(engine, runner, rows=1)
    for i in range(2):
        engine.submit(make_request(i))
    engine.step()
    # Two wait for the one that runs, so it waits for two steps' time, and to the batch's end.
    assert runner.log == ["slice"] * 5 + ["step"] * 2


@given(documents, st.integers(1, 5), st.floats(0.1, 3.0), st.integers(1, 6))
def test_arrivals_never_hold_up_those_that_run_by_more_than_a_slice_beyond_their_patience(
    arrivals: list[tuple[int, int]], slices: int, slice_s: float, max_rows: int
) -> None:
    runner = ScriptedRunner(slices=slices, slice_s=slice_s)
    engine = make_engine(runner, max_rows=max_rows)
    round_s = 0.0
    for step in range(100):
        for i, (length, arrives) in enumerate(arrivals):
            if arrives == step:
                engine.submit(make_request(i, make_source(i, length)))
        running, held = engine.scheduler.num_running, len(engine.scheduler.all_rows())
        runner.log.clear()
        engine.step()
        if running:
            startable = min(max_rows, held) - running
            patience_s = round_s * max(1, startable / running)
            assert runner.log.count("slice") * slice_s < patience_s + slice_s + 1e-6
        round_s = runner.log.count("step") * 1.0


@given(documents, st.integers(4, 64), st.sampled_from(list(Batching)))
def test_the_head_of_the_queue_always_starts_first_and_unlike_lengths_apart(
    arrivals: list[tuple[int, int]], budget: int, batching: Batching
) -> None:
    runner = ScriptedRunner()
    engine = make_engine(runner, max_encode_tokens=budget, batching=batching)
    ids = {make_source(i, length): i for i, (length, _) in enumerate(arrivals)}
    assume(len(ids) == len(arrivals))  # short sources may be the same by chance
    waiting: list[int] = []
    num_begun = 0
    step = 0
    while step <= 20 or not engine.is_idle:
        for i, (length, arrives) in enumerate(arrivals):
            if arrives == step:
                engine.submit(make_request(i, make_source(i, length)))
                waiting.append(i)
        engine.step()
        for encoding in runner.begun[num_begun:]:
            first = encoding.sources[0]
            assert ids[first] == waiting[0]
            for source in encoding.sources:
                waiting.remove(ids[source])
                assert abs(len(source) - len(first)) <= len(first) / 8
        num_begun = len(runner.begun)
        step += 1
    assert waiting == []


def test_a_cancelled_document_stops_being_encoded() -> None:
    runner = ScriptedRunner(slices=9, slice_s=1.0)
    engine = make_engine(runner)
    start_writing(engine, runner, rows=1)
    engine.submit(make_request(0))
    engine.step()
    engine.cancel(0)
    engine.step()
    assert runner.log == ["slice", "step", "step"]
    assert runner.begun[-1].slices_left == 8


def test_the_company_of_a_cancelled_document_is_encoded_to_the_end() -> None:
    runner = ScriptedRunner(slices=4, slice_s=1.0)
    engine = make_engine(runner)
    start_writing(engine, runner, rows=1)
    sources = {i: make_source(50 + i, 4) for i in range(3)}
    for i, source in sources.items():
        engine.submit(make_request(i, source))
    engine.step()
    engine.cancel(1)
    outcome = finished(run(engine))
    del outcome[100]
    assert outcome == {0: said(sources[0]), 2: said(sources[2])}
    assert runner.begun[-1].sources == list(sources.values())


@pytest.mark.parametrize("slices_encoding", [True, False])
def test_a_batch_that_fails_midway_is_tried_again_one_by_one_between_steps(
    slices_encoding: bool,
) -> None:
    runner = ScriptedRunner(slices=2, slice_s=1.0)
    runner.poison = 63
    engine = make_engine(runner, slices_encoding=slices_encoding)
    start_writing(engine, runner, rows=1)
    for i, first in enumerate((20, 63, 21)):
        engine.submit(make_request(i, (first, 22)))
    outcome = finished(run(engine))
    assert (outcome[0], outcome[2]) == ([22, 20], [22, 21])
    assert 1 not in outcome
    assert outcome[100] == said(make_source(0, 16))


def test_a_document_whose_time_ran_out_while_others_were_encoded_is_not_encoded() -> None:
    runner = ScriptedRunner(slices=3, slice_s=1.0)
    engine = make_engine(runner, max_encode_tokens=4)
    for i in range(2):
        engine.submit(make_request(i, deadline_s=runner.clock.now_s + 3 + 100 * (i == 0)))
    engine.step()
    assert len(runner.begun) == 1
    (event,) = [event for event in engine.step() if isinstance(event, Failed)]
    assert event.request_id == 1
    assert isinstance(event.error, DeadlineExpired)
    assert event.error.stage == "waiting"

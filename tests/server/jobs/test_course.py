"""What each request that followed a job is told of the time that it took."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from server.engine.request import Stamps
from server.jobs.answer import Course

COURSE = Course(10, 11, [Stamps(11, 13, 16, 20)])
LENGTHS = st.tuples(*[st.floats(0, 10)] * 3)


def stamps(start_s: float, lengths_s: Sequence[float]) -> Stamps:
    times = [start_s]
    for length_s in lengths_s:
        times.append(times[-1] + length_s)
    return Stamps(*times)


def test_a_request_that_began_it_waited_for_all_of_it() -> None:
    timings = COURSE.timings(arrived_s=9, answered_s=21)
    assert (timings.tokenize_s, timings.queue_s, timings.encode_s, timings.decode_s) == (1, 2, 3, 4)
    assert timings.total_s == 12


def test_a_request_that_joined_during_encoding_waited_for_the_rest_alone() -> None:
    timings = COURSE.timings(arrived_s=15, answered_s=21)
    assert (timings.tokenize_s, timings.queue_s, timings.encode_s, timings.decode_s) == (0, 0, 1, 4)
    assert timings.total_s == 6


def test_each_stage_is_the_sum_over_the_windows() -> None:
    course = Course(0, 1, [Stamps(1, 2, 4, 7), Stamps(1, 5, 6, 10)])
    timings = course.timings(arrived_s=0, answered_s=10)
    assert (timings.tokenize_s, timings.queue_s, timings.encode_s, timings.decode_s) == (1, 5, 3, 7)
    assert timings.total_s == 10


@given(
    arrived_s=st.floats(0, 100),
    began_s=st.floats(0, 100),
    read_s=st.floats(0, 10),
    lengths_s=LENGTHS,
)
def test_the_stages_of_one_window_are_never_longer_than_the_whole(
    arrived_s: float, began_s: float, read_s: float, lengths_s: tuple[float, ...]
) -> None:
    window = stamps(began_s + read_s, lengths_s)
    course = Course(began_s, began_s + read_s, [window])
    answered_s = max(arrived_s, window.decode_ended_s)
    timings = course.timings(arrived_s=arrived_s, answered_s=answered_s)
    parts = (timings.queue_s, timings.tokenize_s, timings.encode_s, timings.decode_s)
    assert min(parts) >= 0
    assert sum(parts) <= timings.total_s + 1e-9

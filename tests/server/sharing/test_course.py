"""What of a shared computation each who waited for it is told."""

from hypothesis import given
from hypothesis import strategies as st

from server.sharing.answer import Course

COURSE = Course(
    tokenize_started_s=10,
    tokenize_ended_s=11,
    encode_started_s=13,
    encode_ended_s=16,
    decode_ended_s=20,
)


def test_who_began_it_waited_for_all_of_it() -> None:
    timings = COURSE.timings(arrived_s=9, answered_s=21)
    assert (timings.tokenize_s, timings.queue_s, timings.encode_s, timings.decode_s) == (1, 2, 3, 4)
    assert timings.total_s == 12


def test_who_joined_while_it_was_encoded_waited_for_the_rest_alone() -> None:
    timings = COURSE.timings(arrived_s=15, answered_s=21)
    assert (timings.tokenize_s, timings.queue_s, timings.encode_s, timings.decode_s) == (0, 0, 1, 4)
    assert timings.total_s == 6


@given(
    arrived_s=st.floats(0, 100),
    lengths_s=st.tuples(*[st.floats(0, 10)] * 4),
    began_s=st.floats(0, 100),
)
def test_the_parts_are_never_longer_than_the_whole(
    arrived_s: float, lengths_s: tuple[float, float, float, float], began_s: float
) -> None:
    tokenize_s, queue_s, encode_s, decode_s = lengths_s
    tokenized_s = began_s + tokenize_s
    encoding_s = tokenized_s + queue_s
    encoded_s = encoding_s + encode_s
    course = Course(
        tokenize_started_s=began_s,
        tokenize_ended_s=tokenized_s,
        encode_started_s=encoding_s,
        encode_ended_s=encoded_s,
        decode_ended_s=encoded_s + decode_s,
    )
    answered_s = max(arrived_s, encoded_s + decode_s)
    timings = course.timings(arrived_s=arrived_s, answered_s=answered_s)
    parts = (timings.queue_s, timings.tokenize_s, timings.encode_s, timings.decode_s)
    assert min(parts) >= 0
    assert sum(parts) <= timings.total_s + 1e-9

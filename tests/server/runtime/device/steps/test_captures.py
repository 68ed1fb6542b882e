"""The books of captured graphs, kept for a session that only writes down what it is told."""

from hypothesis import given
from hypothesis import strategies as st

from server.runtime.device.steps.captures import NOT_CAPTURED, Captures

Released = list[tuple[str, int]]


def books(most: int = 3, **more: int) -> tuple[Captures[str], Released]:
    released: Released = []
    found = Captures[str](lambda key, graph_id: released.append((key, graph_id)), most=most, **more)
    return found, released


def test_a_shape_is_captured_once_it_has_come_several_times() -> None:
    captures, _ = books(runs_before=2)
    assert [captures.graph_id("a") for _ in range(5)] == [NOT_CAPTURED, NOT_CAPTURED, 1, 1, 1]


def test_a_shape_that_was_asked_for_is_captured_at_once() -> None:
    captures, _ = books()
    assert captures.graph_id("a", at_once=True) == 1
    assert captures.is_captured("a")
    assert captures.graph_id("a") == 1


def test_the_graph_that_was_not_used_for_longest_goes_first() -> None:
    captures, released = books(most=2)
    for key in ("a", "b", "a", "c"):
        captures.graph_id(key, at_once=True)
    assert released == [("b", 2)]
    assert captures.num_captured == 2


def test_a_shape_that_was_released_is_captured_under_another_id() -> None:
    captures, released = books(most=1)
    for key in ("a", "b", "a"):
        captures.graph_id(key, at_once=True)
    assert released == [("a", 1), ("b", 2)]
    assert captures.graph_id("a") == 3


def test_a_shape_whose_memory_goes_is_released_once() -> None:
    captures, released = books()
    captures.graph_id("a", at_once=True)
    captures.forget("a")
    captures.forget("a")
    assert released == [("a", 1)]


def test_nothing_is_captured_where_captures_are_off() -> None:
    captures = Captures[str](lambda key, graph_id: None, enabled=False, runs_before=0)
    assert {captures.graph_id("a", at_once=True) for _ in range(9)} == {NOT_CAPTURED}


def test_a_process_captures_no_more_than_so_many_graphs_ever() -> None:
    """The provider may keep what it was told to release."""
    captures, _ = books(most=1, most_ever=3)
    found = [captures.graph_id(key, at_once=True) for key in "abcde"]
    assert found == [1, 2, 3, NOT_CAPTURED, NOT_CAPTURED]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans())), st.integers(1, 4))
def test_no_id_is_ever_given_to_two_shapes(uses: list[tuple[str, bool]], most: int) -> None:
    captures, released = books(most=most)
    owners: dict[int, str] = {}
    for key, at_once in uses:
        graph_id = captures.graph_id(key, at_once=at_once)
        if graph_id != NOT_CAPTURED:
            assert owners.setdefault(graph_id, key) == key
            assert (key, graph_id) not in released
        assert captures.num_captured <= most
    assert len(owners) - len(released) == captures.num_captured

"""How far guesses are trusted after others came true, or did not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.decoding.drafting import Acceptance

outcomes = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 6)).flatmap(
        lambda drawn: st.tuples(st.just(drawn[0]), st.just(drawn[1]), st.integers(0, drawn[1]))
    )
)


@given(outcomes, st.integers(0, 8))
def test_chances_are_chances_and_fall(outcomes: list[tuple[int, int, int]], count: int) -> None:
    acceptance = Acceptance([0.4, 0.7])
    for kind, guessed, came_true in outcomes:
        acceptance.learn(kind, guessed, came_true)
    for kind in (0, 1):
        chances = acceptance.chances(kind, count)
        assert len(chances) == count
        assert all(1 >= earlier >= later >= 0 for earlier, later in pairwise([1.0, *chances, 0.0]))


def test_a_kind_that_came_true_is_trusted_more_and_the_other_as_before() -> None:
    acceptance = Acceptance([0.4, 0.7])
    acceptance.learn(0, 1, 1)
    assert acceptance.chances(0, 1)[0] > 0.4
    assert acceptance.chances(1, 1) == [0.7]


def test_guesses_after_a_wrong_one_tell_nothing() -> None:
    first, second = Acceptance([0.4]), Acceptance([0.4])
    first.learn(0, 2, 1)
    second.learn(0, 6, 1)
    assert first.chances(0, 6) == second.chances(0, 6)


def test_a_summary_that_copies_on_and_on_is_soon_trusted_to() -> None:
    acceptance = Acceptance([0.4])
    for _ in range(5):
        acceptance.learn(0, 6, 6)
    assert acceptance.chances(0, 2)[1] > 0.55


def test_no_guesses_teach_nothing() -> None:
    acceptance = Acceptance([0.4])
    acceptance.learn(0, 0, 0)
    assert acceptance.chances(0, 2) == pytest.approx([0.4, 0.28])

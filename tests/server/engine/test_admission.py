"""Admission is arithmetic: it needs neither a model nor an engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.admission import (
    Batching,
    alike,
    free_rows,
    longest_source_for,
    may_join,
    padded_tokens,
)

lengths_of_some = st.lists(st.integers(1, 50), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("batching", "running", "expected"),
    [
        (Batching.CONTINUOUS, 0, 8),
        (Batching.CONTINUOUS, 3, 5),
        (Batching.CONTINUOUS, 8, 0),
        (Batching.DYNAMIC, 0, 8),
        (Batching.DYNAMIC, 1, 0),
        (Batching.OFF, 0, 1),
        (Batching.OFF, 1, 0),
    ],
)
def test_free_rows_follow_the_way_of_batching(
    batching: Batching, running: int, expected: int
) -> None:
    assert free_rows(batching, running=running, max_rows=8) == expected


@pytest.mark.parametrize(
    ("waiting", "running", "waited_s", "expected"),
    [
        (1, 0, 0.0, True),
        (1, 1, 0.0, True),
        (2, 3, 0.0, False),
        (3, 3, 0.0, True),
        (1, 9, 0.63, False),
        (1, 9, 0.64, True),
    ],
)
def test_those_who_wait_may_join_once_they_are_as_many_or_waited_for_long(
    waiting: int, running: int, waited_s: float, expected: bool
) -> None:
    joins = may_join(waiting=waiting, running=running, waited_s=waited_s, step_s=0.01)
    assert joins is expected


@pytest.mark.parametrize(("length", "lane"), [(1, 128), (128, 128), (129, 256), (1024, 1024)])
def test_a_source_goes_to_the_shortest_lane_that_holds_it(length: int, lane: int) -> None:
    assert longest_source_for(length, (128, 256, 1024)) == lane


@given(lengths_of_some, st.integers(1, 400))
def test_the_first_is_always_chosen_and_its_company_fits_the_budget(
    lengths: list[int], budget: int
) -> None:
    chosen = alike(lengths, budget)
    assert 0 in chosen
    company = [lengths[index] for index in chosen]
    assert len(company) == 1 or padded_tokens(company) <= budget


@given(lengths_of_some, st.integers(1, 400))
def test_documents_of_unlike_lengths_are_not_padded_together(
    lengths: list[int], budget: int
) -> None:
    for index in alike(lengths, budget):
        assert abs(lengths[index] - lengths[0]) <= lengths[0] / 8


@given(lengths_of_some, st.integers(1, 400))
def test_of_those_that_are_alike_the_early_go_before_the_late(
    lengths: list[int], budget: int
) -> None:
    suiting = [
        index for index, length in enumerate(lengths) if abs(length - lengths[0]) <= lengths[0] / 8
    ]
    chosen = alike(lengths, budget)
    assert chosen == set(suiting[: len(chosen)])


def test_those_of_other_lengths_are_passed_over_and_those_behind_them_are_not() -> None:
    assert alike([100, 50, 104, 200, 96], 1000) == {0, 2, 4}


def test_a_source_longer_than_the_budget_is_encoded_alone() -> None:
    assert alike([100, 100], 99) == {0}

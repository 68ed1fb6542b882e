"""Admission is arithmetic: it needs neither a model nor an engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.admission import (
    Batching,
    free_rows,
    lane_for,
    padded_tokens,
    split_by_budget,
)


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


@pytest.mark.parametrize(("length", "lane"), [(1, 128), (128, 128), (129, 256), (1024, 1024)])
def test_a_source_goes_to_the_shortest_lane_that_holds_it(length: int, lane: int) -> None:
    assert lane_for(length, (128, 256, 1024)) == lane


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 100))
def test_batches_keep_the_order_lose_nobody_and_fit_the_budget_or_hold_one(
    lengths: list[int], budget: int
) -> None:
    sizes = split_by_budget(lengths, budget)
    assert sum(sizes) == len(lengths)
    start = 0
    for size in sizes:
        batch = lengths[start : start + size]
        assert size >= 1
        assert size == 1 or padded_tokens(batch) <= budget
        start += size

"""Sizes that steps come in: each need finds the smallest that is enough."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.runtime.device.memory.buckets import (
    fit,
    fit_excluded,
    fit_slots,
    fit_tokens,
    rows_ladder,
    source_ladder,
)

sizes = st.integers(1, 5000)


@given(st.lists(sizes, min_size=1, unique=True).map(sorted), sizes)
def test_the_smallest_size_that_is_enough_is_found(ladder: list[int], needed: int) -> None:
    found = fit(ladder, needed)
    assert found >= needed
    assert all(size < needed for size in ladder if size < found)


@given(sizes)
def test_there_is_a_size_for_whatever_may_come(needed: int) -> None:
    for choose in (fit_slots, fit_tokens, fit_excluded):
        assert needed <= choose(needed)
        assert choose(choose(needed)) == choose(needed)


@given(st.integers(1, 3000))
def test_no_step_is_of_more_rows_or_longer_sources_than_there_is_memory_for(most: int) -> None:
    for ladder in (rows_ladder(most), source_ladder(most)):
        assert ladder[-1] == most
        assert list(ladder) == sorted(set(ladder))
        assert all(2 * size >= following for size, following in pairwise(ladder))

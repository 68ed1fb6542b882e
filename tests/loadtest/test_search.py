"""The search for the highest rate that keeps the gates."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.conduct.search import confirm, find_highest
from loadtest.scenario import SearchTable


@given(capacity=st.floats(1, 900), precision=st.floats(0.02, 0.5))
def test_it_ends_within_its_precision_below_what_the_server_can_do(
    capacity: float, precision: float
) -> None:
    tried: list[float] = []

    def keeps(rate: float) -> bool:
        tried.append(rate)
        return rate <= capacity

    found = find_highest(SearchTable(precision=precision), keeps)

    assert found is not None
    assert found <= capacity
    # Rates are rounded to three digits, which may cost half a percent more.
    assert capacity <= found * (1 + precision) * 1.01
    assert len(tried) == len(set(tried)) < 25


def test_nothing_is_found_where_even_the_lowest_rate_is_too_much() -> None:
    assert find_highest(SearchTable(), lambda rate: False) is None


def test_it_goes_no_higher_than_it_may() -> None:
    tried: list[float] = []

    def keeps(rate: float) -> bool:
        tried.append(rate)
        return True

    assert find_highest(SearchTable(lowest=3, highest=10), keeps) == 10
    assert tried == [3, 6, 10]


def test_a_rate_that_is_not_kept_for_longer_gives_way_to_a_lower_one() -> None:
    table = SearchTable(lowest=5, precision=0.1)

    assert confirm(table, 20, lambda rate: rate <= 20) == 20
    assert confirm(table, 20, lambda rate: rate <= 17) == 16.2
    assert confirm(table, 20, lambda rate: False) is None
    assert confirm(table, None, lambda rate: True) is None

"""How many tokens a lane drafts, given chances and costs."""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from hypothesis import given
from hypothesis import strategies as st

from server.engine.draft_plan import MARGIN, best_draft

shares = st.floats(0, 1)
outlooks = st.lists(shares, max_size=6).map(lambda rates: list(accumulate(rates, mul)))
lanes = st.lists(outlooks, min_size=1, max_size=5)
times = st.lists(st.floats(0.1, 10), min_size=8, max_size=8)


def written(lane: Sequence[Sequence[float]], drafted: int) -> float:
    return sum(1 + sum(outlook[:drafted]) for outlook in lane)


def free(rows: int, tokens: int) -> float:
    return 1.0


@given(lanes, times)
def test_no_other_number_writes_more_in_the_time_it_takes(
    lane: list[list[float]], times: list[float]
) -> None:
    chosen = best_draft(lane, lambda rows, tokens: times[tokens])
    rates = [written(lane, drafted) / times[drafted + 1] for drafted in range(7)]
    longest = max(map(len, lane))
    assert 0 <= chosen <= longest
    if chosen == 0:
        assert all(rate <= rates[0] * MARGIN * 1.001 for rate in rates[: longest + 1])
    else:
        assert rates[chosen] * 1.001 >= max(rates[: longest + 1])
        assert rates[chosen] * 1.001 >= rates[0] * MARGIN


@given(st.integers(0, 5), times)
def test_nothing_is_drafted_where_no_row_has_a_guess(rows: int, times: list[float]) -> None:
    assert best_draft([[]] * rows, lambda rows, tokens: times[tokens]) == 0


def test_further_tokens_that_cost_nothing_are_all_drafted() -> None:
    assert best_draft([[0.9, 0.8, 0.7], []], free) == 3


def test_what_promises_hardly_more_is_not_worth_it() -> None:
    assert best_draft([[0.04]], free) == 0


def test_a_row_that_drafts_makes_those_pay_that_do_not() -> None:
    def by_token(rows: int, tokens: int) -> float:
        return 1 + 0.2 * rows * (tokens - 1)

    assert best_draft([[0.6]], by_token) == 1
    assert best_draft([[0.6], [], [], []], by_token) == 0


def test_the_cost_is_asked_for_the_rows_of_the_lane_and_the_tokens_of_each() -> None:
    asked = []

    def cost(rows: int, tokens: int) -> float:
        asked.append((rows, tokens))
        return 1.0

    best_draft([[0.5], [0.5, 0.4]], cost)
    assert asked == [(2, 1), (2, 2), (2, 3)]

"""What a step is believed to cost, before and after steps were seen."""

from collections.abc import Callable
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.step_costs import FURTHER_TOKEN, SEVERAL_TOKENS, StepCosts

SHAPES = [(rows, tokens) for rows in (1, 2, 8) for tokens in (1, 2, 4, 7)]


def learn(
    costs: StepCosts,
    seconds: Callable[[int, int], float],
    steps: int = 600,
    shapes: list[tuple[int, int]] = SHAPES,
) -> StepCosts:
    for rows, tokens in islice(cycle(shapes), steps):
        costs.observe(rows, tokens, seconds(rows, tokens))
    return costs


def true_cost(rows: int, tokens: int) -> float:
    return 2e-3 + 5e-4 * rows + 1e-4 * rows * (tokens - 1) + 3e-4 * (tokens > 1)


def test_before_anything_was_seen_it_counts_in_steps_of_one_row_and_one_token() -> None:
    costs = StepCosts()
    assert costs.cost(1, 1) == 1
    assert costs.cost(1, 2) == pytest.approx(1 + FURTHER_TOKEN + SEVERAL_TOKENS)


def test_the_first_step_tells_the_scale_of_all() -> None:
    before, costs = StepCosts(), StepCosts()
    costs.observe(1, 1, 0.004)
    for rows, tokens in SHAPES:
        expected = 0.004 * before.cost(rows, tokens)
        assert costs.cost(rows, tokens) == pytest.approx(expected)


def test_steps_of_all_shapes_are_learnt() -> None:
    costs = learn(StepCosts(), true_cost)
    for rows, tokens in [*SHAPES, (4, 3), (6, 5)]:
        assert costs.cost(rows, tokens) == pytest.approx(true_cost(rows, tokens), rel=0.05)


def test_a_dozen_drafted_steps_are_enough_to_see_that_further_tokens_are_dear() -> None:
    costs = learn(StepCosts(), lambda rows, tokens: 1e-3, steps=50, shapes=[(1, 1)])
    learn(costs, lambda rows, tokens: 1e-3 * tokens, steps=24, shapes=[(1, 1), (1, 4)])
    assert costs.cost(1, 4) > 2 * costs.cost(1, 1)


def test_a_machine_that_becomes_slower_is_followed() -> None:
    costs = learn(StepCosts(), true_cost)
    learn(costs, lambda rows, tokens: 5 * true_cost(rows, tokens), steps=3000)
    assert costs.cost(2, 4) == pytest.approx(5 * true_cost(2, 4), rel=0.1)


def test_a_step_that_was_held_up_hardly_counts() -> None:
    costs = learn(StepCosts(), true_cost)
    costs.observe(1, 4, 100.0)
    learn(costs, true_cost, steps=8)
    assert costs.cost(1, 4) == pytest.approx(true_cost(1, 4), rel=0.1)


def test_a_first_step_that_was_held_up_is_forgotten() -> None:
    costs = StepCosts()
    costs.observe(1, 1, 50 * true_cost(1, 1))
    learn(costs, true_cost, steps=200)
    for rows, tokens in SHAPES:
        assert costs.cost(rows, tokens) == pytest.approx(true_cost(rows, tokens), rel=0.3)


def test_what_was_not_seen_for_long_goes_back_to_the_prior() -> None:
    costs = learn(StepCosts(), lambda rows, tokens: 1e-3 * tokens, shapes=[(1, 1), (1, 4)])
    assert costs.cost(1, 4) > 3 * costs.cost(1, 1)
    learn(costs, lambda rows, tokens: 1e-3, steps=5000, shapes=[(1, 1)])
    assert costs.cost(1, 4) < 2 * costs.cost(1, 1)


def test_a_clock_too_coarse_to_see_a_step_does_no_harm() -> None:
    costs = learn(StepCosts(), lambda rows, tokens: 0.0, steps=20)
    learn(costs, true_cost, steps=600)
    assert costs.cost(2, 4) == pytest.approx(true_cost(2, 4), rel=0.3)


@given(
    st.lists(st.tuples(st.integers(1, 64), st.integers(1, 8), st.floats(1e-5, 10)), max_size=100)
)
def test_costs_are_above_zero_and_rise_with_rows_and_tokens(
    steps: list[tuple[int, int, float]],
) -> None:
    costs = StepCosts()
    for rows, tokens, seconds in steps:
        costs.observe(rows, tokens, seconds)
    for rows in (1, 2, 30):
        for tokens in (1, 2, 8):
            assert 0 < costs.cost(rows, tokens)
            assert costs.cost(rows, tokens) < costs.cost(rows + 1, tokens)
            assert costs.cost(rows, tokens) < costs.cost(rows, tokens + 1)

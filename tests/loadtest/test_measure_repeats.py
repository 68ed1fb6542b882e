"""Repeats of a phase: pooled calls, and intervals that cover the truth as often as they say."""

import random

import pytest

from loadtest.measure.repeats import interval, pool_repeats
from loadtest.results import ServerSide
from tests.loadtest.made_runs import call, phase_of


def test_an_interval_is_students_t_over_the_repeats() -> None:
    # By hand: mean 12, standard deviation 2, t(2) = 4.303: 4.303 * 2 / sqrt(3) = 4.9687.
    assert interval([10.0, 12.0, 14.0]) == pytest.approx((12 - 4.9687, 12 + 4.9687), abs=0.001)


def test_an_interval_of_few_values_covers_the_mean_nineteen_times_of_twenty() -> None:
    chance = random.Random(0)  # noqa: S311
    covered = 0
    for _ in range(2000):
        low, high = interval([chance.gauss(100, 5) for _ in range(4)]) or (0, 0)
        covered += low <= 100 <= high

    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def test_one_value_has_no_interval() -> None:
    assert interval([1.0]) is None


def test_pooled_repeats_are_the_phase_of_all_their_calls() -> None:
    first = [call(1.0, 0.1), call(2.0, 0.1), call(3.0, 0.2)]
    second = [call(1.0, 0.3), call(2.0, 0.3), call(3.0, status="UNAVAILABLE")]

    pooled = pool_repeats([phase_of(first), phase_of(second)])

    together = phase_of(first + second)
    assert pooled.statuses == together.statuses
    assert pooled.distributions["latency"].bins == together.distributions["latency"].bins
    assert pooled.seconds == 20
    assert pooled.throughput == pytest.approx(0.25)
    assert pooled.intervals["error_rate"][1] > 0.5
    assert pooled.intervals["p50_ms"][0] < 200 < pooled.intervals["p50_ms"][1]


def test_the_servers_stages_are_averaged_by_the_calls_that_each_repeat_answered() -> None:
    few = phase_of([call(1.0)], server=ServerSide(stages_ms={"queue": 10.0}))
    many = phase_of([call(1.0)] * 3, server=ServerSide(stages_ms={"queue": 30.0, "encode": 5.0}))

    server = pool_repeats([few, many]).server

    assert server is not None
    assert server.stages_ms == {"queue": 25.0, "encode": 5.0}


def test_phases_of_other_loads_are_no_repeats() -> None:
    with pytest.raises(ValueError, match=r"'burst' .* is no repeat of 'steady'"):
        pool_repeats([phase_of([]), phase_of([], name="burst")])

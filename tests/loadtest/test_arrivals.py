"""When calls are due, and how processes share them."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from loadtest.engine.arrivals import due_times, share_of
from loadtest.scenario import Phase

RATES = st.floats(0.5, 500)
SEEDS = st.text(max_size=10)


def make_phase(**keys: object) -> Phase:
    return Phase.model_validate({"name": "p", "seconds": 10.0, **keys})


def test_a_constant_rate_is_even() -> None:
    assert list(due_times(make_phase(rate=4.0, seconds=1.0, arrivals="constant"), "")) == [
        0.0,
        0.25,
        0.5,
        0.75,
    ]


@given(rate=RATES, seed=SEEDS)
def test_as_many_random_arrivals_come_as_the_rate_says(rate: float, seed: str) -> None:
    times = list(due_times(make_phase(rate=rate), seed))

    expected = 10 * rate
    assert abs(len(times) - expected) < 6 * math.sqrt(expected) + 6
    assert times == sorted(times)
    assert all(0 <= time < 10 for time in times)


@given(seed=SEEDS)
def test_pauses_between_random_arrivals_vary_as_those_of_a_poisson_process(seed: str) -> None:
    times = list(due_times(make_phase(rate=400.0), seed))

    pauses = [after - before for before, after in itertools.pairwise(times)]
    mean = sum(pauses) / len(pauses)
    deviation = math.sqrt(sum((pause - mean) ** 2 for pause in pauses) / len(pauses))
    assert 0.85 < deviation / mean < 1.15  # 1 for Poisson, 0 for a constant rate


def test_a_seed_gives_the_same_times_again_and_another_gives_others() -> None:
    phase = make_phase(rate=5.0)

    assert list(due_times(phase, "a")) == list(due_times(phase, "a")) != list(due_times(phase, "b"))


@given(rate=RATES, rate_to=RATES)
def test_a_ramp_has_the_arrivals_of_its_mean_rate_and_they_come_by_its_rates(
    rate: float, rate_to: float
) -> None:
    times = list(due_times(make_phase(rate=rate, rate_to=rate_to, arrivals="constant"), ""))

    assert abs(len(times) - 10 * (rate + rate_to) / 2) <= 1
    assert times == sorted(times)
    first_half = sum(time < 5 for time in times)
    assert abs(first_half - 5 * (3 * rate + rate_to) / 4) <= 1


def test_a_trace_is_followed_until_the_phase_ends() -> None:
    phase = make_phase(at_s=(0.5, 0.5, 9.0, 11.0))

    assert list(due_times(phase, "")) == [0.5, 0.5, 9.0]


@given(shares=st.integers(1, 9), rate=st.floats(0.5, 50), seed=SEEDS)
def test_what_processes_share_is_together_the_whole_load(
    shares: int, rate: float, seed: str
) -> None:
    phase = make_phase(rate=rate)
    parts = [list(share_of(due_times(phase, seed), each, shares)) for each in range(shares)]

    assert sorted(itertools.chain(*parts)) == list(enumerate(due_times(phase, seed)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1

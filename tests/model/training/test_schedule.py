"""The learning rate over a run, and the mixture of sources over it."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model.training.config import (
    DataConfig,
    ScheduleConfig,
    SourceConfig,
    TrainingConfigError,
)
from model.training.points import interpolate
from model.training.schedule import Schedule, shares


def test_the_rate_warms_up_holds_and_falls_in_a_line() -> None:
    schedule = Schedule(ScheduleConfig(steps=100, warmup_steps=4, hold=0.1))
    rates = [schedule.rate(step, schedule.progress(step, 0)) for step in range(101)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0)


def test_a_cosine_falls_to_its_floor() -> None:
    schedule = Schedule(ScheduleConfig(steps=100, decay="cosine", floor=0.1))
    assert schedule.rate(9, 0.0) == 1
    assert schedule.rate(9, 0.5) == pytest.approx(0.55)
    assert schedule.rate(9, 0.25) == pytest.approx(0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2)
    assert schedule.rate(9, 1.0) == pytest.approx(0.1)


def test_a_constant_rate_stays() -> None:
    schedule = Schedule(ScheduleConfig(steps=100, decay="constant"))
    assert {schedule.rate(step, step / 100) for step in range(101)} == {1.0}


def test_a_budget_of_seconds_is_progress_by_the_clock() -> None:
    schedule = Schedule(ScheduleConfig(seconds=1200))
    assert schedule.progress(step=10**6, seconds=300) == 0.25
    assert schedule.progress(step=1, seconds=1300) == 1


def test_a_share_moves_in_straight_lines_between_its_points() -> None:
    points = [(0.0, 0.48), (0.5, 0.48), (1.0, 0.0)]
    values = [interpolate(points, progress) for progress in (0, 0.5, 0.75, 1)]
    assert values == pytest.approx([0.48, 0.48, 0.24, 0])


def test_sources_without_a_share_divide_the_rest_by_size_and_weight() -> None:
    sources = [
        SourceConfig(path="prose", kind="gaps", share=((0.0, 0.4), (1.0, 0.0))),
        SourceConfig(path="many"),
        SourceConfig(path="few", weight=3.0),
    ]
    assert shares(sources, [10, 300, 100], 0.0) == pytest.approx([0.4, 0.3, 0.3])
    assert shares(sources, [10, 300, 100], 1.0) == pytest.approx([0.0, 0.5, 0.5])


_LINE = st.dictionaries(
    st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.sampled_from([0, 0.3, 0.5, 0.7, 1])
)


@given(
    st.lists(_LINE.filter(bool), min_size=1, max_size=3),
    st.booleans(),
    st.lists(st.floats(0, 1), min_size=1),
)
@example([{0.3: 0.7, 0.5: 0}], False, [1.0])
def test_shares_that_are_above_one_or_nothing_anywhere_are_refused_before_the_run(
    lines: list[dict[float, float]], with_a_plain_source: bool, moments: list[float]
) -> None:
    sources = [SourceConfig(path="a", share=tuple(sorted(line.items()))) for line in lines]
    sources += [SourceConfig(path="b")] * with_a_plain_source
    taken = [sum(interpolate(source.share or ((0, 0),), p) for source in sources) for p in moments]
    try:
        DataConfig(sources=tuple(sources), max_document_tokens=1, max_summary_tokens=1)
    except TrainingConfigError:
        return
    assert max(taken) < 1 + 1e-9
    for progress in moments:
        assert sum(shares(sources, [3] * len(sources), progress)) == pytest.approx(1)


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.floats(0.01, 100)), min_size=1, max_size=5),
    st.floats(0, 0.9),
    st.floats(0, 1),
)
def test_shares_sum_to_one(plain: list[tuple[int, float]], share: float, progress: float) -> None:
    sources = [SourceConfig(path="p", share=((0.0, share), (1.0, 0.0)))]
    sources += [SourceConfig(path="q", weight=weight) for _, weight in plain]
    sizes = [7, *(size for size, _ in plain)]
    assert sum(shares(sources, sizes, progress)) == pytest.approx(1)

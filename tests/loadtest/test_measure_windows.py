"""The rule of stability, and the length of windows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.measure.windows import are_stable, choose_length_s, cut, stability_length_s
from loadtest.results import Window


def windows(*figures: tuple[int, float | None], offered: int = 100) -> list[Window]:
    """Makes windows of so many finished calls and such a median."""
    return [
        Window(
            start_s=10.0 * at,
            seconds=10.0,
            offered=offered,
            ok=finished,
            failed=0,
            dropped=0,
            p50_ms=p50_ms,
            p95_ms=p50_ms,
            p99_ms=p50_ms,
            summary_tokens=0,
            finished=finished,
        )
        for at, (finished, p50_ms) in enumerate(figures)
    ]


@pytest.mark.parametrize(
    ("figures", "is_stable"),
    [
        ([(100, 50.0), (105, 52.0), (110, 55.0)], True),
        ([(100, 50.0), (105, 52.0), (111, 55.0)], False),
        ([(100, 50.0), (105, 52.0), (110, 56.0)], False),
        ([(10, 5.0), (100, 50.0), (105, 52.0), (110, 55.0)], True),
        ([(100, 50.0), (105, 52.0), (110, 55.0), (300, 90.0)], False),
        ([(100, 50.0), (300, 50.0), (100, 50.0), (100, 50.0)], False),
        ([(100, 50.0), (100, 50.0)], False),
        ([(0, None), (0, None), (0, None)], False),
    ],
)
def test_the_last_three_windows_must_lie_within_a_tenth_in_rate_and_latency(
    figures: list[tuple[int, float | None]], is_stable: bool
) -> None:
    assert are_stable(windows(*figures), by_arrivals=False) is is_stable


def test_random_arrivals_do_not_make_an_open_load_unstable_but_falling_behind_does() -> None:
    uneven = [
        *windows((80, 50.0), offered=80),
        *windows((120, 50.0), offered=120),
        *windows((100, 50.0), offered=100),
    ]
    behind = windows((100, 50.0), (80, 50.0), (60, 50.0), offered=100)

    assert are_stable(uneven, by_arrivals=True)
    assert not are_stable(uneven, by_arrivals=False)
    assert not are_stable(behind, by_arrivals=True)


@given(st.floats(0.001, 1e5), st.integers(1, 100))
def test_windows_begin_at_the_start_and_none_is_shorter_than_half(
    seconds: float, length_s: int
) -> None:
    starts = cut(seconds, length_s)

    assert starts[0] == 0
    assert len(starts) == 1 or seconds - starts[-1] >= length_s / 2
    assert seconds - starts[-1] < 1.5 * length_s


@given(st.floats(0.0, 1e5))
def test_there_are_at_most_sixty_windows_to_draw_and_enough_to_judge(seconds: float) -> None:
    assert seconds / choose_length_s(seconds) <= 60
    assert seconds < 3 or seconds / stability_length_s(seconds) >= 3

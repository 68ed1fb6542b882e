"""How much time a request gets."""

import pytest

from server.rpc.call import Deadlines

NOW_S = 1000.0


class ContextWith:
    """A call whose caller gave it this long."""

    def __init__(self, remaining_s: float | None) -> None:
        self._remaining_s = remaining_s

    def time_remaining(self) -> float | None:
        return self._remaining_s


@pytest.mark.parametrize(
    ("asked_s", "default_s", "max_s", "granted_s"),
    [
        (None, 0.0, 0.0, None),
        (5.0, 0.0, 0.0, 5.0),
        (None, 7.0, 0.0, 7.0),
        (5.0, 7.0, 0.0, 5.0),
        (9.0, 7.0, 0.0, 9.0),
        (9.0, 0.0, 3.0, 3.0),
        (None, 7.0, 3.0, 3.0),
        (None, 0.0, 3.0, 3.0),
        (1.0, 7.0, 3.0, 1.0),
    ],
)
def test_a_request_gets_what_it_asks_for_within_the_rules(
    asked_s: float | None, default_s: float, max_s: float, granted_s: float | None
) -> None:
    deadlines = Deadlines(default_s=default_s, max_s=max_s, clock=lambda: NOW_S)

    found = deadlines.of(ContextWith(asked_s))

    assert found == (None if granted_s is None else NOW_S + granted_s)


def test_a_request_without_any_time_left_has_a_deadline_that_has_passed() -> None:
    assert Deadlines(clock=lambda: NOW_S).of(ContextWith(0.0)) == NOW_S

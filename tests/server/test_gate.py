"""How much the server takes on at once."""

import pytest

from server.errors import Overloaded
from server.gate import Gate


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_one_document_more_than_the_limit_is_refused_and_leaves_no_trace() -> None:
    gate = Gate(max_documents=1, max_tokens=100)
    with gate.enter():
        with (
            pytest.raises(Overloaded, match="1 documents are in work, the limit is 1"),
            gate.enter(),
        ):
            pass
        assert gate.documents == 1
    assert gate.documents == 0


def test_tokens_over_the_limit_are_refused_and_given_back_at_the_end() -> None:
    gate = Gate(max_documents=9, max_tokens=100)
    with gate.enter(), gate.carry(60):
        with (
            pytest.raises(Overloaded, match=r"60 source tokens .* this document has 50"),
            gate.enter(),
            gate.carry(50),
        ):
            pass
        assert (gate.documents, gate.tokens) == (1, 60)
    assert (gate.documents, gate.tokens) == (0, 0)


def test_a_document_larger_than_the_whole_budget_is_served_when_it_is_alone() -> None:
    gate = Gate(max_documents=9, max_tokens=100)
    with gate.enter(), gate.carry(1000):
        assert gate.tokens == 1000


def test_the_advice_when_to_return_follows_how_fast_documents_leave() -> None:
    clock = Clock()
    gate = Gate(max_documents=3, max_tokens=10**6, clock=clock)
    with gate.enter(), gate.carry(1), gate.enter(), gate.carry(1):
        for _ in range(100):
            clock.now_s += 4
            with gate.enter(), gate.carry(1):
                pass
        with gate.enter(), pytest.raises(Overloaded) as caught, gate.enter():
            pass
    # One leaves every 4 s and 3 are inside: half of them are gone after 6 s.
    assert caught.value.retry_after_s == pytest.approx(6, rel=0.01)


def test_idle_time_says_nothing_of_how_fast_documents_leave() -> None:
    clock = Clock()
    gate = Gate(max_documents=1, max_tokens=10**6, clock=clock)
    for _ in range(50):
        clock.now_s += 3600
        with gate.enter(), gate.carry(1):
            pass
    with gate.enter(), pytest.raises(Overloaded) as caught, gate.enter():
        pass
    assert caught.value.retry_after_s < 1

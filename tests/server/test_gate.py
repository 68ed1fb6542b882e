"""How much the server takes on at once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from server.engine.pace import Pace, Work
from server.errors import DeadlineTooShort, Overloaded
from server.gate import Gate, SilentGateObserver

# A document of 1 step takes 1 s, alone or with others: company gains nothing and costs nothing.
PACE = Pace(token_s=0.0, step_start_s=0.0, step_row_s=1.0)
ONE = Work.of_document(tokens=100, steps=1, width=1)
LONG = Work.of_document(tokens=100, steps=5, width=1)
NOW_S = 1000.0


class Refusals(SilentGateObserver):
    def __init__(self) -> None:
        self.causes: list[str] = []

    def refused(self, *, cause: str) -> None:
        self.causes.append(cause)


def make_gate(pace: Pace | None = PACE, **limits: float) -> Gate:
    values = {"max_documents": 99, "max_tokens": 10**6} | limits
    return Gate(**values, pace=lambda: pace, clock=lambda: NOW_S)  # type: ignore[arg-type]


@contextmanager
def inside(gate: Gate, tokens: int, work: Work = ONE) -> Iterator[None]:
    with gate.enter(work, None) as place, gate.carry(place, work, tokens, None):
        yield


@contextmanager
def holding(gate: Gate, count: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(gate.enter(ONE, None))
        yield


def test_one_document_more_than_the_limit_is_refused_and_leaves_no_trace() -> None:
    gate = make_gate(max_documents=1)
    with holding(gate, 1):
        with (
            pytest.raises(Overloaded, match="1 documents are in work, the limit is 1") as caught,
            gate.enter(ONE, None),
        ):
            pass
        assert gate.documents == 1
    assert caught.value.quota == "documents"
    assert (gate.documents, gate.backlog_s) == (0, 0)


def test_tokens_over_the_limit_are_refused_and_given_back_at_the_end() -> None:
    gate = make_gate(max_tokens=100)
    with inside(gate, 60):
        with (
            pytest.raises(Overloaded, match=r"60 source tokens .* this document has 50") as caught,
            inside(gate, 50),
        ):
            pass
        assert (gate.documents, gate.tokens, gate.backlog_s) == (1, 60, 1)
    assert caught.value.quota == "tokens"
    assert (gate.documents, gate.tokens, gate.backlog_s) == (0, 0, 0)


def test_a_document_larger_than_the_whole_budget_is_served_when_it_is_alone() -> None:
    gate = make_gate(max_tokens=100)
    with inside(gate, 1000):
        assert gate.tokens == 1000


def test_a_full_gate_says_to_retry_when_half_of_the_work_is_done() -> None:
    gate = make_gate(max_documents=8)
    with holding(gate, 8), pytest.raises(Overloaded) as caught, gate.enter(ONE, None):
        pass
    assert caught.value.retry_after_s == 4


def test_the_advice_when_to_return_is_never_at_once_and_never_in_an_hour() -> None:
    gate = make_gate(pace=None, max_documents=0)
    with pytest.raises(Overloaded) as caught, gate.enter(ONE, None):
        pass
    assert caught.value.retry_after_s == 0.1
    gate = make_gate(max_documents=90)
    with holding(gate, 90), pytest.raises(Overloaded) as caught, gate.enter(ONE, None):
        pass
    assert caught.value.retry_after_s == 30


def test_a_document_that_takes_longer_than_its_deadline_even_alone_is_told_both_numbers() -> None:
    observer = Refusals()
    gate = Gate(
        max_documents=9,
        max_tokens=9,
        pace=lambda: PACE,
        observer=observer,
        clock=lambda: NOW_S,
    )
    with (
        pytest.raises(DeadlineTooShort, match=r"about 5 s even .* and 4.5 s are left") as caught,
        gate.enter(LONG, NOW_S + 4.5),
    ):
        pass
    assert (caught.value.estimate_s, caught.value.remaining_s) == (5, 4.5)
    assert observer.causes == ["deadline"]
    with gate.enter(LONG, NOW_S + 5):
        assert gate.documents == 1


def test_a_document_that_the_queue_would_make_late_is_refused_with_a_time_to_return() -> None:
    observer = Refusals()
    gate = Gate(
        max_documents=99,
        max_tokens=9,
        pace=lambda: PACE,
        observer=observer,
        clock=lambda: NOW_S,
    )
    # It needs 1 s, and 8 others before it 8 s, which are taken for 12.
    with holding(gate, 8):
        with gate.enter(ONE, NOW_S + 13.001):
            pass
        with (
            pytest.raises(Overloaded, match="would be done in about 9 s") as caught,
            gate.enter(ONE, NOW_S + 12),
        ):
            pass
    # In 2 s, 6 of the others are left: 1 s and 9 s, and 10 s are left of its deadline.
    assert caught.value.retry_after_s == pytest.approx(2)
    assert caught.value.quota == "seconds"
    assert observer.causes == ["seconds"]


def test_each_admitted_document_counts_for_those_that_arrive_in_the_same_moment() -> None:
    gate = make_gate()
    let_in = 0
    with ExitStack() as stack:
        for _ in range(100):
            try:
                stack.enter_context(gate.enter(ONE, NOW_S + 13.001))
            except Overloaded:
                continue
            let_in += 1
    assert let_in == 9


def test_a_request_that_joins_another_adds_no_work_and_is_not_refused_for_lack_of_time() -> None:
    gate = make_gate()
    with holding(gate, 8), gate.enter(None, NOW_S + 0.01):
        assert (gate.documents, gate.backlog_s) == (9, 8)


def test_without_a_deadline_the_wait_for_others_is_bounded() -> None:
    gate = make_gate(max_queue_s=5)
    with holding(gate, 5), gate.enter(ONE, None):
        with (
            pytest.raises(Overloaded, match="about 6 s for others, the limit is 5 s") as caught,
            gate.enter(ONE, None),
        ):
            pass
        assert caught.value.retry_after_s == pytest.approx(1)


def test_a_bound_of_0_is_none() -> None:
    gate = make_gate(max_queue_s=0)
    with holding(gate, 50), gate.enter(ONE, None):
        assert gate.documents == 51


def test_one_batch_call_is_not_refused_for_its_own_documents_however_slow_the_machine() -> None:
    gate = make_gate(max_queue_s=1, patient_documents=32)
    with (
        holding(gate, 33),
        pytest.raises(Overloaded, match="the limit is 1 s"),
        gate.enter(ONE, None),
    ):
        pass


def test_before_the_speed_is_known_nothing_is_refused_for_lack_of_time() -> None:
    gate = make_gate(pace=None, max_queue_s=1)
    with holding(gate, 50), gate.enter(LONG, NOW_S + 0.01):
        assert gate.backlog_s == 0


def test_once_it_is_read_a_document_counts_for_what_it_is() -> None:
    gate = make_gate()
    with gate.enter(ONE, None) as place, gate.carry(place, LONG, 500, None):
        assert gate.backlog_s == 5
    assert gate.backlog_s == 0


def test_a_document_that_turns_out_longer_than_it_seemed_is_refused_after_all() -> None:
    gate = make_gate()
    with (
        holding(gate, 2),
        gate.enter(ONE, NOW_S + 6) as place,
        pytest.raises(Overloaded),
        gate.carry(place, LONG, 500, NOW_S + 6),
    ):
        pass
    assert (gate.documents, gate.tokens, gate.backlog_s) == (0, 0, 0)


def test_a_document_let_in_with_caution_is_not_refused_for_the_moment_that_reading_it_took() -> (
    None
):
    gate = make_gate()
    with (
        holding(gate, 8),
        gate.enter(ONE, NOW_S + 13.001) as place,
        # Those who came later are not ahead of it.
        holding(gate, 20),
        gate.carry(place, ONE, 100, NOW_S + 10.5),
    ):
        assert gate.tokens == 100


def test_the_work_of_a_computation_stays_until_it_ends_though_its_first_caller_left() -> None:
    gate = make_gate()
    with ExitStack() as computation:
        with gate.enter(ONE, None) as place:
            computation.enter_context(gate.carry(place, ONE, 100, None))
        assert (gate.documents, gate.backlog_s) == (0, 1)
    assert gate.backlog_s == 0

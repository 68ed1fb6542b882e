"""How fast the machine is, and what that means for a document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.pace import Pace, PaceMeter, Work
from tests.server.engine.scripted import Clock

# A document of 184 tokens and 25 steps: 0.2 s to encode, and 0.5 s to write alone.
PACE = Pace(token_s=0.001, step_start_s=0.01, step_row_s=0.01)
ONE = Work.of_document(tokens=184, steps=25, width=1)
BEAMS = Work.of_document(tokens=184, steps=25, width=4)


class Machine:
    """Does documents one after the other, each in so many seconds, and tells a meter."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.meter = PaceMeter(self.clock)

    def do(self, documents: int, *, slowness: float = 1.0, rows: int = 1) -> None:
        for _ in range(documents):
            self.spend(slowness * 0.2)
            self.meter.encoded(documents=1, tokens=184, seconds=slowness * 0.2)
            for _ in range(25):
                step_s = slowness * PACE.step_s(rows)
                self.spend(step_s)
                self.meter.stepped(rows=rows, steps=1, seconds=step_s)

    def spend(self, seconds: float) -> None:
        self.clock.now_s += seconds

    def pace(self) -> Pace:
        assert self.meter.pace is not None
        return self.meter.pace


def several(count: int) -> Work:
    work = Work()
    for _ in range(count):
        work += ONE
    return work


def test_alone_a_document_takes_its_encoding_and_its_steps() -> None:
    assert PACE.idle_s(ONE) == pytest.approx(0.2 + 25 * 0.02)
    assert PACE.idle_s(BEAMS) == pytest.approx(0.2 + 25 * 0.05)


def test_a_document_behind_nobody_is_done_when_it_is_alone() -> None:
    assert PACE.finish_s(ONE, Work(), max_rows=16) == PACE.idle_s(ONE)


def test_documents_that_share_their_steps_are_done_together_when_all_their_work_is() -> None:
    # 8 documents: 8 times 0.2 s of encoding and 25 steps over 8 rows.
    assert PACE.finish_s(ONE, several(7), max_rows=16) == pytest.approx(8 * 0.2 + 25 * 0.09)


def test_behind_a_full_machine_documents_finish_at_its_throughput() -> None:
    each_s = 0.2 + 25 * PACE.step_s(16) / 16
    found_s = PACE.finish_s(ONE, several(99), max_rows=16)
    assert found_s == pytest.approx(100 * each_s)


def test_a_long_summary_keeps_the_company_of_short_ones_to_its_end() -> None:
    long = Work.of_document(tokens=184, steps=1000, width=1)
    found_s = PACE.finish_s(long, several(15), max_rows=16)
    # Its 1000 steps over 16 rows alone; the work of all 16 documents is less than half of that.
    assert found_s > 1000 * PACE.step_s(16)


@given(
    st.integers(0, 300), st.integers(1, 2000), st.integers(1, 500), st.integers(1, 8),
    st.integers(1, 64),
)  # fmt: skip
def test_more_work_ahead_never_means_an_earlier_end(
    ahead: int, tokens: int, steps: int, width: int, max_rows: int
) -> None:
    one = Work.of_document(tokens=tokens, steps=steps, width=width)
    before_s = PACE.finish_s(one, several(ahead), max_rows=max_rows)
    after_s = PACE.finish_s(one, several(ahead + 1), max_rows=max_rows)
    assert PACE.idle_s(one) <= before_s * (1 + 1e-9)
    assert before_s <= after_s * (1 + 1e-9)


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 500), st.integers(1, 8))))
def test_work_that_is_taken_away_again_leaves_nothing(each: list[tuple[int, int, int]]) -> None:
    works = [Work.of_document(tokens=t, steps=s, width=w) for t, s, w in each]
    total = Work()
    for work in works:
        total += work
    for work in works:
        total -= work
    assert total == Work()


def test_nothing_is_known_before_a_document_was_encoded_and_a_step_taken() -> None:
    meter = PaceMeter(Clock())
    assert meter.pace is None
    meter.encoded(documents=1, tokens=184, seconds=0.2)
    assert meter.pace is None
    meter.stepped(rows=1, steps=1, seconds=0.02)
    assert meter.pace is not None


def test_a_first_short_document_gives_a_sane_estimate_of_an_ordinary_one() -> None:
    machine = Machine()
    # The warm-up: 17 tokens, and 3 steps.
    machine.meter.encoded(documents=1, tokens=17, seconds=0.033)
    for _ in range(3):
        machine.meter.stepped(rows=1, steps=1, seconds=0.02)
    assert machine.pace().idle_s(ONE) == pytest.approx(PACE.idle_s(ONE), rel=0.1)


@pytest.mark.parametrize("slowness", [4.0, 0.25])
def test_a_machine_that_changes_its_speed_fourfold_is_known_after_a_few_documents(
    slowness: float,
) -> None:
    machine = Machine()
    machine.do(200)
    assert machine.pace().idle_s(ONE) == pytest.approx(0.7, rel=0.05)

    machine.do(6, slowness=slowness)

    assert machine.pace().idle_s(ONE) == pytest.approx(0.7 * slowness, rel=0.35)
    machine.do(20, slowness=slowness)
    assert machine.pace().idle_s(ONE) == pytest.approx(0.7 * slowness, rel=0.1)


def test_one_stall_does_not_pass_for_the_machines_speed() -> None:
    machine = Machine()
    machine.do(50)
    machine.spend(10)
    machine.meter.stepped(rows=1, steps=1, seconds=10)
    assert machine.pace().idle_s(ONE) < 1.2


def test_what_was_measured_before_a_pause_gives_way_to_the_first_measurement_after_it() -> None:
    machine = Machine()
    machine.do(50, slowness=8)
    machine.spend(60)
    machine.do(1)
    assert machine.pace().idle_s(ONE) == pytest.approx(0.7, rel=0.1)


def test_an_estimate_for_much_company_comes_of_steps_in_much_company() -> None:
    machine = Machine()
    machine.do(20)
    machine.do(40, rows=16)
    assert machine.pace().step_s(16) == pytest.approx(PACE.step_s(16), rel=0.05)
    assert machine.pace().step_s(1) == pytest.approx(PACE.step_s(1), rel=0.3)


def test_steps_taken_ahead_on_a_device_count_one_by_one() -> None:
    meter = PaceMeter(Clock())
    meter.encoded(documents=1, tokens=184, seconds=0.2)
    for _ in range(20):
        meter.stepped(rows=4, steps=8, seconds=0.8)
    assert meter.pace is not None
    assert meter.pace.step_s(4) == pytest.approx(0.1, rel=0.05)

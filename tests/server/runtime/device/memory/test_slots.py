"""Rows keep their slots whatever the engine does with their numbers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.runtime.device.memory.buckets import fit, rows_ladder
from server.runtime.device.memory.slots import SlotTable

SLOTS = 12
LADDER = rows_ladder(SLOTS)


class Rows(RuleBasedStateMachine):
    """The engine's rows as a list of names, and what lies in each slot as another."""

    def __init__(self) -> None:
        super().__init__()
        self.table = SlotTable(SLOTS)
        self.rows: list[int] = []
        self.memory: dict[int, int] = {}
        self.named = 0

    @rule(count=st.integers(1, 4))
    def admit(self, count: int) -> None:
        count = min(count, self.table.num_free)
        self.table.keep(len(self.rows))
        for slot in self.table.append(min(count, self.table.num_free)):
            self.named += 1
            self.rows.append(self.named)
            self.memory[slot] = self.named

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.rows) - 1))
        last = self.rows.pop()
        if place < len(self.rows):
            self.rows[place] = last
            self.table.move(len(self.rows), place)

    @precondition(lambda self: self.rows)
    @rule()
    def step(self) -> None:
        self.table.keep(len(self.rows))
        for move in self.table.compact(lambda needed: fit(LADDER, needed)):
            self.memory[move.target] = self.memory[move.source]
        assert fit(LADDER, self.table.extent) == fit(LADDER, len(self.rows))
        assert self.table.num_free == SLOTS - len(self.rows)

    @rule()
    def grow(self) -> None:
        assert self.table.grown(2 * SLOTS).slots.tolist() == self.table.slots.tolist()

    @invariant()
    def every_row_finds_what_it_put_down(self) -> None:
        slots = self.table.slots[: len(self.rows)].tolist()
        assert [self.memory[slot] for slot in slots] == self.rows
        assert len(set(slots)) == len(slots)


TestRows = Rows.TestCase
TestRows.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_rows_are_copied_only_where_a_step_would_be_wider_than_it_need_be() -> None:
    table = SlotTable(SLOTS)
    table.append(6)
    table.move(5, 0)
    table.move(4, 1)
    # Rows 0..3 are in slots 5, 4, 2 and 3.
    assert table.compact(lambda needed: fit((1, 2, 4, 8), needed)) == [(5, 0), (4, 1)]
    assert table.slots.tolist() == [0, 1, 2, 3]
    table.append(1)
    table.keep(4)
    assert table.compact(lambda needed: fit((1, 2, 4, 8), needed)) == []

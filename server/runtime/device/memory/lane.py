"""The rows of one lane in a device's memory, at addresses that never change.

What a lane may need at most is taken when it is made. Rows lie close together, at the sizes that
are in use; where a longer document or summary comes, they are laid out anew in the same memory.
"""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from bundle.manifest import Geometry
from bundle.signature import cache_names, cross_names, float_type
from server.engine.runner import LaneKey, OutOfMemoryRunnerError
from server.runtime.device.drivers.device import Block, Device, Queue
from server.runtime.device.drivers.tensors import DeviceTensor
from server.runtime.device.memory.buckets import fit, fit_slots, source_ladder
from server.runtime.device.memory.budget import LaneShapes
from server.runtime.device.memory.slots import SlotTable
from server.runtime.device.memory.sources import SourceArrays
from server.runtime.device.memory.stack import Stack

# A lane whose rows are shorter than its memory is laid out for, for so many looks, is laid out for
# what they need: one outlier must not make every later step as long as its own.
_LOOKS_BEFORE_SHRINKING = 64
_serials = count(1)


class Encoded(NamedTuple):
    """Where the encoder left the documents of a batch, padded to `source` tokens each."""

    source: int
    cross: int
    cross_pitch: int
    states: int | None


class DeviceLane:
    """Holds up to `rows` rows."""

    def __init__(
        self, device: Device, queue: Queue, geometry: Geometry, key: LaneKey, shapes: LaneShapes,
        rows: int,
    ) -> None:  # fmt: skip
        self.key, self.rows = key, rows
        # Tells one lane's memory from that of another, whatever their addresses.
        self.serial = next(_serials)
        self._queue, self._geometry, self._shapes = queue, geometry, shapes
        self._sources = source_ladder(key.longest_source)
        longest, most_slots = shapes.longest_source, shapes.most_slots
        self._cross = Stack(device, shapes.cross, rows=rows, most_lines=longest)
        self._caches = Stack(device, shapes.caches, rows=rows, most_lines=most_slots)
        self._states = None
        if shapes.states is not None:
            self._states = Stack(device, shapes.states, rows=rows, most_lines=longest)
        self._read = SourceArrays(
            device,
            queue,
            rows=rows,
            longest=longest,
            bias_type=float_type(geometry) if shapes.bias_bytes else None,
            has_ids=shapes.has_ids,
        )
        self._scratch: Block = device.allocate(shapes.scratch_bytes(rows))
        self.begin_anew()

    @property
    def most_slots(self) -> int:
        """The slots that a row has at most."""
        return self._shapes.most_slots

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it."""
        return self.table.num_free == self.rows

    @property
    def nbytes(self) -> int:
        """What it takes on the device."""
        states = self._states.nbytes if self._states else 0
        held = self._cross.nbytes + self._caches.nbytes + self._read.nbytes
        return held + states + self._scratch.nbytes

    def begin_anew(self) -> None:
        """Forgets every row; the memory stays."""
        self.table = SlotTable(self.rows)
        self.source, self.slots = self._sources[0], fit_slots(1)
        self._looks_above = 0

    def take_over(self, other: "DeviceLane") -> None:
        """Takes all rows of a smaller lane of the same kind."""
        assert other.rows <= self.rows, "a lane only grows"
        rows = other.rows
        self.table = other.table.grown(self.rows)
        self.source, self.slots = other.source, other.slots
        self._cross.take_rows(self._queue, self.source, other._cross, rows)
        self._caches.take_rows(self._queue, self.slots, other._caches, rows)
        if self._states is not None and other._states is not None:
            self._states.take_rows(self._queue, self.source, other._states, rows)
        self._read.take_rows(self._queue, self.source, other._read, rows)

    def admit(
        self, first_row: int, encoded: Encoded, documents: Sequence[int],
        sources: Sequence[Sequence[int]],
    ) -> None:  # fmt: skip
        """Puts some of the encoded documents in the rows from `first_row`."""
        if first_row == 0:
            self.begin_anew()
        self.table.keep(first_row)
        if len(documents) > self.table.num_free:
            raise OutOfMemoryRunnerError(
                f"{len(documents)} rows wanted, {self.table.num_free} of {self.rows} are free"
            )
        self._fit_source(max(map(len, sources)))
        slots = self.table.append(len(documents))
        try:
            for run in neighbours(slots, documents):
                self._take(run, encoded)
            self._read.put(self._queue, self.source, slots, sources)
        except BaseException:
            self.table.keep(first_row)
            raise

    def lay_out(self, source: int, slots: int) -> None:
        """Makes an empty lane ready for rows of these sizes."""
        assert self.is_empty, "rows would be laid out by what they need"
        self.source, self.slots = source, slots

    def move(self, source_row: int, target_row: int) -> None:
        """Lets the last row take the place of another."""
        self.table.move(source_row, target_row)

    def arrange(self, rows: int, slots: int, ladder: Sequence[int]) -> None:
        """Makes ready for a step of the first rows, which writes up to so many slots.

        `ladder` are the numbers of rows that steps come in.
        """
        self.table.keep(rows)
        for source, target in self.table.compact(lambda needed: fit(ladder, needed)):
            self._cross.move(self._queue, self.source, source, target)
            self._caches.move(self._queue, self.slots, source, target)
            if self._states is not None:
                self._states.move(self._queue, self.source, source, target)
            self._read.move(self._queue, self.source, source, target)
        self._fit_slots(slots)
        self._shrink(slots)

    def tensors(self, rows: int) -> dict[str, DeviceTensor]:
        """Every input of a decoder that lives here, by name, for the first slots."""
        geometry, dtype = self._geometry, float_type(self._geometry)
        row = (rows, geometry.heads)
        cross, cache = (*row, self.source, geometry.head_dim), (*row, self.slots, geometry.head_dim)
        found = self._read.tensors(rows, self.source)
        for names, stack, shape in (
            (cross_names(geometry), self._cross, cross),
            (cache_names(geometry), self._caches, cache),
        ):
            for name, address in zip(names, stack.addresses(), strict=True):
                found[name] = DeviceTensor(address, dtype, shape)
        if self._states is not None:
            (address,) = self._states.addresses()
            states = (rows, self.source, geometry.d_model)
            found["encoder_states"] = DeviceTensor(address, dtype, states)
        return found

    def _take(self, run: "Neighbours", encoded: Encoded) -> None:
        queue, given = self._queue, encoded.source
        first, number = run.slot, run.number
        row_bytes = self._shapes.cross.row_bytes(given)
        address = encoded.cross + run.document * row_bytes
        self._cross.take(queue, self.source, first, number, address, encoded.cross_pitch, given)
        if self._states is not None and encoded.states is not None:
            row_bytes = self._states.shape.row_bytes(given)
            address = encoded.states + run.document * row_bytes
            # There is but one tensor of them; the pitch is the least that a copy of it may have.
            pitch = number * row_bytes
            self._states.take(queue, self.source, first, number, address, pitch, given)
        # Masked values are multiplied by 0, and if the last document left a NaN here, 0 times NaN
        # would be NaN.
        self._caches.clear(queue, self.slots, first, number)

    def _fit_source(self, longest: int) -> None:
        if longest > self._sources[-1]:
            raise ValueError(f"{longest} source tokens, at most {self._sources[-1]} in this lane")
        if longest > self.source:
            self._spread_sources(fit(self._sources, longest))

    def _fit_slots(self, needed: int) -> None:
        if needed > self.most_slots:
            raise ValueError(f"{needed} slots of a row wanted, it has {self.most_slots}")
        if needed > self.slots:
            self._spread_slots(fit_slots(needed))

    def _shrink(self, slots: int) -> None:
        longest = int(self._read.lengths(self.table.slots).max(initial=1))
        source, fewer = fit(self._sources, longest), fit_slots(slots)
        if source == self.source and fewer == self.slots:
            self._looks_above = 0
            return
        self._looks_above += 1
        if self._looks_above >= _LOOKS_BEFORE_SHRINKING:
            self._looks_above = 0
            if source < self.source:
                self._spread_sources(source)
            if fewer < self.slots:
                self._spread_slots(fewer)

    def _spread_sources(self, new: int) -> None:
        rows, scratch = self.table.extent, self._scratch.address
        self._cross.spread(self._queue, scratch, rows, self.source, new)
        if self._states is not None:
            self._states.spread(self._queue, scratch, rows, self.source, new)
        self._read.spread(self._queue, rows, self.source, new)
        self.source = new

    def _spread_slots(self, new: int) -> None:
        rows, scratch = self.table.extent, self._scratch.address
        self._caches.spread(self._queue, scratch, rows, self.slots, new)
        self.slots = new


class Neighbours(NamedTuple):
    """Documents that lie side by side, and go to slots that do."""

    slot: int
    document: int
    number: int


def neighbours(slots: Sequence[int], documents: Sequence[int]) -> list[Neighbours]:
    """The fewest copies that bring each document to its slot."""
    runs: list[Neighbours] = []
    for slot, document in zip(slots, documents, strict=True):
        last = runs[-1] if runs else None
        if last and slot == last.slot + last.number and document == last.document + last.number:
            runs[-1] = last._replace(number=last.number + 1)
        else:
            runs.append(Neighbours(slot, document, 1))
    return runs

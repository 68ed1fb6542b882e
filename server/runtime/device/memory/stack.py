"""Tensors of one shape that lie at equal distances, such as the keys and values of all layers.

What is done to a row is so done to all of them by one copy. Each tensor has room for the longest
row; while its rows are shorter, they lie close together at its beginning, so that it can be bound
as it is.
"""

from dataclasses import dataclass

from server.runtime.device.drivers.device import Device, Queue

_ALIGNMENT = 256


@dataclass(frozen=True, slots=True)
class RowShape:
    """A row of each tensor: so many parts of so many lines (tokens or slots) of so many bytes."""

    tensors: int
    parts: int
    line_bytes: int

    def row_bytes(self, lines: int) -> int:
        """What a row takes in each tensor."""
        return self.parts * lines * self.line_bytes

    def pitch(self, rows: int, lines: int) -> int:
        """What a whole tensor takes."""
        return aligned(rows * self.row_bytes(lines))

    def nbytes(self, rows: int, lines: int) -> int:
        """What all tensors take."""
        return self.tensors * self.pitch(rows, lines)


class Stack:
    """The tensors. Their addresses never change."""

    def __init__(self, device: Device, shape: RowShape, *, rows: int, most_lines: int) -> None:
        self.shape = shape
        self._pitch = shape.pitch(rows, most_lines)
        self._block = device.allocate(shape.nbytes(rows, most_lines))

    @property
    def nbytes(self) -> int:
        """What they take."""
        return self._block.nbytes

    def addresses(self) -> list[int]:
        """Where each tensor begins."""
        return [self._block.address + index * self._pitch for index in range(self.shape.tensors)]

    def clear(self, queue: Queue, lines: int, first: int, count: int) -> None:
        """Makes neighbouring rows zero."""
        row_bytes = self.shape.row_bytes(lines)
        address = self._block.address + first * row_bytes
        queue.clear_rows(address, self._pitch, count * row_bytes, self.shape.tensors)

    def move(self, queue: Queue, lines: int, source: int, target: int) -> None:
        """Copies a row over another."""
        row_bytes = self.shape.row_bytes(lines)
        begin = self._block.address
        queue.copy_rows(
            begin + target * row_bytes,
            self._pitch,
            begin + source * row_bytes,
            self._pitch,
            row_bytes,
            self.shape.tensors,
        )

    def take(
        self, queue: Queue, lines: int, first: int, count: int, address: int, pitch: int, given: int
    ) -> None:
        """Fills neighbouring rows from tensors elsewhere, whose rows have `given` lines.

        What is missing of a row becomes zero.
        """
        row_bytes = self.shape.row_bytes(lines)
        target = self._block.address + first * row_bytes
        if lines == given:
            queue.copy_rows(
                target, self._pitch, address, pitch, count * row_bytes, self.shape.tensors
            )
            return
        if given < lines:
            self.clear(queue, lines, first, count)
        line_bytes = self.shape.line_bytes
        for index in range(self.shape.tensors):
            queue.copy_rows(
                target + index * self._pitch,
                lines * line_bytes,
                address + index * pitch,
                given * line_bytes,
                min(lines, given) * line_bytes,
                count * self.shape.parts,
            )

    def take_rows(self, queue: Queue, lines: int, other: "Stack", rows: int) -> None:
        """Takes over the first rows of other tensors, which are laid out alike."""
        queue.copy_rows(
            self._block.address,
            self._pitch,
            other._block.address,
            other._pitch,
            rows * self.shape.row_bytes(lines),
            self.shape.tensors,
        )

    def spread(self, queue: Queue, scratch: int, rows: int, old: int, new: int) -> None:
        """Gives the first rows another number of lines; `scratch` holds them meanwhile.

        A row that grows ends in zeros.
        """
        line_bytes = self.shape.line_bytes
        for address in self.addresses():
            queue.copy(scratch, address, rows * self.shape.row_bytes(old))
            if new > old:
                queue.clear(address, rows * self.shape.row_bytes(new))
            queue.copy_rows(
                address,
                new * line_bytes,
                scratch,
                old * line_bytes,
                min(old, new) * line_bytes,
                rows * self.shape.parts,
            )


def aligned(nbytes: int) -> int:
    """Rounds up to where a tensor may begin."""
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT

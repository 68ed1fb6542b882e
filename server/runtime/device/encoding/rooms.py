"""The memory that documents are encoded in: used again, and given back after an outlier."""

from collections import deque

from server.decoding.strategy import Array
from server.runtime.device.drivers.device import Block, Device, Mark

_REMEMBERED = 32
_FEWEST = 8
_UNUSUAL = 2.0


class Room:
    """Memory that a batch is encoded in; used again once nobody works on it any more."""

    def __init__(self, device: Device, nbytes: int, staged_bytes: int) -> None:
        self.block: Block = device.allocate(nbytes)
        self.staged: Array = device.stage(staged_bytes)
        self.is_taken = True
        self.last_use: Mark | None = None

    def holds(self, nbytes: int, staged_bytes: int) -> bool:
        """Whether it is free and large enough."""
        is_done = not self.is_taken and (self.last_use is None or self.last_use.is_reached())
        return is_done and self.block.nbytes >= nbytes and len(self.staged) >= staged_bytes


class Rooms:
    """All of it."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._rooms: list[Room] = []

    def take(self, nbytes: int, staged_bytes: int) -> Room:
        """Gives a room that is large enough, a new one if need be."""
        for room in self._rooms:
            if room.holds(nbytes, staged_bytes):
                room.is_taken = True
                return room
        # What is free but was too small is replaced.
        self._rooms = [each for each in self._rooms if not each.holds(0, 0)]
        room = Room(self._device, nbytes, staged_bytes)
        self._rooms.append(room)
        return room

    def give_back(self, room: Room, last_use: Mark | None, *, for_good: bool) -> None:
        """Takes a room back; `for_good` if it was an outlier's."""
        room.is_taken, room.last_use = False, last_use
        if for_good:
            if last_use is not None:
                last_use.wait()
            self._rooms = [each for each in self._rooms if each is not room]


class Outliers:
    """Tells whether memory that was taken for a batch should be given back after it.

    Pure arithmetic on the sizes of the recent past.
    """

    def __init__(self) -> None:
        self._sizes: deque[int] = deque(maxlen=_REMEMBERED)

    def observe(self, size: int) -> bool:
        """Takes a size; True if it is far beyond those that came before it.

        One that comes again is no outlier any more.
        """
        is_outlier = len(self._sizes) >= _FEWEST and size > _UNUSUAL * max(self._sizes)
        self._sizes.append(size)
        return is_outlier

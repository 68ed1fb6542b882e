"""The lanes of a device: those of single summaries are there from the start.

Lanes of searches with beams are made when one comes. Their memory stays when they are empty, so
that what was captured over it can be used again, until it is wanted for something else.
"""

from collections.abc import Callable, Mapping

from bundle.manifest import Geometry
from server.engine.runner import LaneKey, OutOfMemoryRunnerError
from server.runtime.device.drivers.device import Device, Queue
from server.runtime.device.memory.buckets import fit, rows_ladder
from server.runtime.device.memory.budget import lane_shapes
from server.runtime.device.memory.lane import DeviceLane

# Widths differ from request to request, and a lane is made for one width alone.
_MOST_IDLE = 2


class LanePool:
    """Finds, makes and frees lanes; `forget` is told of each whose memory goes."""

    def __init__(
        self,
        device: Device,
        queue: Queue,
        geometry: Geometry,
        *,
        most_written: int,
        max_rows: int,
        kept: Mapping[LaneKey, int],
        most_bytes: int,
        forget: Callable[[DeviceLane], None],
    ) -> None:
        self._device, self._queue, self._geometry = device, queue, geometry
        self._most_written, self._max_rows = most_written, max_rows
        self._most_bytes = most_bytes
        self._forget = forget
        self._kept = frozenset(kept)
        # The one used last comes last.
        self._lanes: dict[LaneKey, DeviceLane] = {}
        for key, rows in kept.items():
            self._lanes[key] = self._made(key, rows)

    @property
    def nbytes(self) -> int:
        """What all lanes take."""
        return sum(lane.nbytes for lane in self._lanes.values())

    def lane(self, key: LaneKey) -> DeviceLane:
        """One that is there."""
        return self._lanes[key]

    def lanes(self) -> Mapping[LaneKey, DeviceLane]:
        """All that are there."""
        return self._lanes

    def lane_for(self, key: LaneKey, rows: int) -> DeviceLane:
        """A lane with room for so many rows. Raises OutOfMemoryRunnerError."""
        if rows > self._max_rows:
            raise OutOfMemoryRunnerError(f"{rows} rows wanted, at most {self._max_rows} fit")
        lane = self._lanes.get(key)
        wanted = fit(rows_ladder(self._max_rows), rows)
        if lane is not None and lane.rows < rows and lane.is_empty:
            self._drop(key)
            lane = None
        if lane is None:
            lane = self._made(key, wanted)
        elif lane.rows < rows:
            lane = self._grown(lane, wanted)
        self._lanes.pop(key, None)
        self._lanes[key] = lane
        return lane

    def vacate(self, key: LaneKey) -> None:
        """Empties a lane, if it is there."""
        lane = self._lanes.get(key)
        if lane is None:
            return
        lane.begin_anew()
        while len(idle := self._idle()) > _MOST_IDLE:
            self._drop(idle[0])

    def _made(self, key: LaneKey, rows: int) -> DeviceLane:
        shapes = lane_shapes(self._geometry, key, self._most_written)
        wanted = rows * shapes.row_bytes() + shapes.scratch_bytes(rows)
        while self.nbytes + wanted > self._most_bytes and (idle := self._idle()):
            self._drop(idle[0])
        if self.nbytes + wanted > self._most_bytes:
            left = self._most_bytes - self.nbytes
            raise OutOfMemoryRunnerError(f"{wanted} bytes of device memory wanted, {left} left")
        while True:
            try:
                return DeviceLane(self._device, self._queue, self._geometry, key, shapes, rows)
            except OutOfMemoryRunnerError:
                if not (idle := self._idle()):
                    raise
                self._drop(idle[0])

    def _grown(self, lane: DeviceLane, rows: int) -> DeviceLane:
        larger = self._made(lane.key, rows)
        larger.take_over(lane)
        # Its memory must not go while it is still copied from.
        self._queue.wait()
        self._forget(lane)
        return larger

    def _idle(self) -> list[LaneKey]:
        return [key for key, lane in self._lanes.items() if lane.is_empty and key not in self._kept]

    def _drop(self, key: LaneKey) -> None:
        self._queue.wait()
        self._forget(self._lanes.pop(key))

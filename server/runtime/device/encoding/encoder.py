"""Documents on their way through the encoder, in a queue of their own beside the decoder's.

The encoder's launches take the host about as long as a step of the decoder does, so they are made
by a thread of their own too.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime

from bundle.manifest import Manifest
from bundle.signature import cross_names, float_type
from server.runtime.device.drivers.device import Device, Mark, Queue
from server.runtime.device.drivers.tensors import ITEM_BYTES, DeviceTensor, bind_input, bind_output
from server.runtime.device.drivers.worker import Worker
from server.runtime.device.encoding.rooms import Outliers, Room, Rooms
from server.runtime.device.memory.buckets import fit, source_ladder
from server.runtime.device.memory.lane import Encoded
from server.runtime.device.memory.layout import Layout
from server.runtime.device.memory.stack import RowShape, aligned
from server.runtime.failures import told_as_runner_errors
from server.runtime.step.shape import Field


class DeviceEncoder:
    """The encoder, and the memory that it leaves documents in."""

    def __init__(
        self,
        device: Device,
        queue: Queue,
        session: Any,
        manifest: Manifest,
        launching: threading.Lock,
    ) -> None:
        self.device, self.queue, self.session = device, queue, session
        self.geometry = geometry = manifest.geometry
        self.worker = Worker(device, "encoder")
        # Nothing else may be asked of the device while a graph is captured.
        self.launching = launching
        self._pad_id = manifest.special_tokens.pad_id
        self._ladder = source_ladder(manifest.longest_source)
        self.rooms = Rooms(device)
        self._outliers = Outliers()
        line_bytes = geometry.head_dim * ITEM_BYTES[float_type(geometry)]
        self.cross = RowShape(2 * geometry.decoder_layers, geometry.heads, line_bytes)
        self.state_bytes = 0
        if geometry.copy_head:
            self.state_bytes = geometry.d_model * ITEM_BYTES[float_type(geometry)]

    @property
    def token_bytes(self) -> int:
        """What a document takes for each of its tokens, from its encoding until it has a row."""
        return self.cross.tensors * self.cross.row_bytes(1) + self.state_bytes

    def begin(self, sources: Sequence[Sequence[int]]) -> "DeviceEncoding":
        """Prepares a batch."""
        source = fit(self._ladder, max(map(len, sources)))
        rows = len(sources)
        inputs = Layout(
            [
                Field("source_ids", np.int64, (rows, source)),
                Field("source_lengths", np.int64, (rows,)),
            ]
        )
        states = aligned(rows * source * self.state_bytes)
        nbytes = inputs.nbytes + states + self.cross.nbytes(rows, source)
        is_outlier = self._outliers.observe(rows * source)
        room = self.rooms.take(nbytes, inputs.nbytes)
        arrays = inputs.views(room.staged[: inputs.nbytes])
        arrays["source_ids"].fill(self._pad_id)
        for row, ids in enumerate(sources):
            arrays["source_ids"][row, : len(ids)] = ids
        arrays["source_lengths"][:] = [len(ids) for ids in sources]
        launch = _Launch(self, room, inputs, rows, source, shrinks=is_outlier)
        return DeviceEncoding(sources, launch)


@dataclass(frozen=True, slots=True)
class _Launch:
    """What the encoder's thread needs: not the batch itself, which may be given up meanwhile."""

    encoder: DeviceEncoder
    room: Room
    inputs: Layout
    rows: int
    source: int
    shrinks: bool

    @property
    def states_at(self) -> int:
        """Where the encoder's states go."""
        return self.room.block.address + self.inputs.nbytes

    @property
    def cross_at(self) -> int:
        """Where the keys and values go."""
        return self.states_at + aligned(self.rows * self.source * self.encoder.state_bytes)

    @property
    def cross_pitch(self) -> int:
        """How far those of one layer are from those of the next."""
        return self.encoder.cross.pitch(self.rows, self.source)

    def run(self) -> Mark:
        """Queues all of the encoder."""
        encoder = self.encoder
        with encoder.launching:
            staged = self.room.staged[: self.inputs.nbytes]
            encoder.queue.upload(self.room.block.address, staged)
            encoder.session.run_with_iobinding(self._binding(), self._options())
            return encoder.queue.mark()

    def _binding(self) -> Any:
        encoder, geometry = self.encoder, self.encoder.geometry
        dtype = float_type(geometry)
        binding = encoder.session.io_binding()
        for field in self.inputs.fields:
            address = self.room.block.address + self.inputs.offsets[field.name]
            tensor = DeviceTensor(address, "int64", field.shape)
            bind_input(binding, encoder.device, field.name, tensor)
        shape = (self.rows, geometry.heads, self.source, geometry.head_dim)
        for index, name in enumerate(cross_names(geometry)):
            address = self.cross_at + index * self.cross_pitch
            bind_output(binding, encoder.device, name, DeviceTensor(address, dtype, shape))
        if encoder.state_bytes:
            states = (self.rows, self.source, geometry.d_model)
            tensor = DeviceTensor(self.states_at, dtype, states)
            bind_output(binding, encoder.device, "encoder_states", tensor)
        return binding

    def _options(self) -> Any:
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        if self.shrinks:
            # The decoder's memory is never given back so: captured graphs remember it.
            arena = self.encoder.device.arena
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", arena)
        return options


class DeviceEncoding:
    """A batch, padded to a size that sources come in. See Encoding."""

    is_under_way = True

    def __init__(self, sources: Sequence[Sequence[int]], launch: _Launch) -> None:
        self.sources = sources
        self._launch = launch
        self._launched: Future[Mark] | None = None
        self._last_use: Mark | None = None

    def advance(self, *, wait: bool = True) -> bool:
        """Launches the encoder, and then looks how far the device is."""
        with told_as_runner_errors(f"encoding {len(self.sources)} documents"):
            if self._launched is None:
                self._launched = self._launch.encoder.worker.begin(self._launch.run)
            if not wait and not self._launched.done():
                return False
            mark = self._last_use = self._launched.result()
            if wait:
                mark.wait()
            return mark.is_reached()

    def encoded(self) -> Encoded:
        """Where the documents are, once it is done."""
        launch = self._launch
        states = launch.states_at if launch.encoder.state_bytes else None
        return Encoded(launch.source, launch.cross_at, launch.cross_pitch, states)

    def admitted(self, last_use: Mark) -> None:
        """Says how long the documents are still read."""
        self._last_use = last_use

    @property
    def launched(self) -> Mark:
        """The point in the encoder's queue after which they are there."""
        assert self._launched is not None, "advance said that it was done"
        return self._launched.result()

    def __del__(self) -> None:
        """Gives the memory back, also where nobody waited for what was begun."""
        launched = self._launched
        if launched is not None and self._last_use is None and not launched.cancel():
            # Rare: it was given up while its launches were being made, which takes no time.
            self._last_use = None if launched.exception() else launched.result()
        launch = self._launch
        launch.encoder.rooms.give_back(launch.room, self._last_use, for_good=launch.shrinks)

"""A decoder bound to memory for steps of one shape: set up once, run and captured at will.

Its inputs lie side by side, and so do its outputs: one copy brings a step to the device, one takes
what it said back. The inputs of a step ahead are the first outputs of the one before; they have a
place of their own, so that a step can be run twice, as capturing does, and be none the worse.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from bundle.manifest import Geometry, GraphSpec
from bundle.signature import (
    SLOT_POSITIONS,
    cache_names,
    updated_cache_names,
    vocabulary_output,
)
from server.decoding.strategy import Array, Proposal
from server.runtime.device.drivers.device import Block, Device, Queue
from server.runtime.device.drivers.tensors import DeviceTensor, bind_input, bind_output
from server.runtime.device.memory.lane import DeviceLane
from server.runtime.device.memory.layout import Layout
from server.runtime.device.steps.captures import NOT_CAPTURED
from server.runtime.device.steps.outcomes import StepTold
from server.runtime.step.fill import PADDING, StepInputs
from server.runtime.step.shape import StepShape, input_fields, output_fields, slot_positions
from server.runtime.step.word_scores import scores_of

_NUMPY_NAMES = {np.int64: "int64", np.float32: "float32", np.bool_: "bool"}


class BoundStep:
    """One decoder over the first slots of a lane."""

    def __init__(
        self,
        device: Device,
        queue: Queue,
        session: Any,
        spec: GraphSpec,
        geometry: Geometry,
        lane: DeviceLane,
        shape: StepShape,
        *,
        pad_id: int,
        words: Block | None,
    ) -> None:
        self.shape, self.words = shape, words
        self._device, self._queue, self._session = device, queue, session
        self._inputs = Layout(input_fields(shape))
        self._outputs = Layout(output_fields(shape, geometry))
        self._input_block = device.allocate(self._inputs.nbytes)
        self._output_block = device.allocate(self._outputs.nbytes)
        self._staged = device.stage(self._inputs.nbytes)
        views = self._inputs.views(self._staged)
        self._filled = StepInputs(views, pad_id=pad_id, slots=shape.slots)
        self._staged_exclusions = device.stage(views["excluded_ids"].nbytes)
        lasting = self._staged_exclusions.view(np.int64).reshape(views["excluded_ids"].shape)
        self._lasting = LastingExclusions(lasting)
        # Where what the steps of a burst said is read to, one after the other.
        self._ring: list[tuple[Array, dict[str, Array]]] = []
        self._words_told: list[Array] = []
        self._vocab_size = geometry.vocab_size
        self._gives_logits = not geometry.copy_head
        self._options: dict[int, Any] = {}
        self._binding = session.io_binding()
        self._bind(spec, geometry, lane)

    def upload(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """Brings what rows propose to the device."""
        self._filled.fill(proposals, slots)
        self._queue.upload(self._input_block.address, self._staged)

    def upload_lasting(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """Brings what may never follow to the device, in the place of what may not follow now."""
        self._lasting.fill(proposals, slots)
        offset = self._inputs.offsets["excluded_ids"]
        self._queue.upload(self._input_block.address + offset, self._staged_exclusions)

    def feed_back(self) -> None:
        """Lets the next step begin where this one ended: both begin with tokens and position."""
        fed = self._inputs.offsets["excluded_ids"]
        self._queue.copy(self._input_block.address, self._output_block.address, fed)

    def run(self, graph_id: int) -> None:
        """Queues the step, as a captured graph or as it is."""
        options = self._options.get(graph_id)
        if options is None:
            options = self._options[graph_id] = _run_options(graph_id)
        self._session.run_with_iobinding(self._binding, options)

    def download(self, index: int) -> None:
        """Has what the step said read to a place of its own."""
        while index >= len(self._ring):
            staged = self._device.stage(self._outputs.nbytes)
            self._ring.append((staged, self._outputs.views(staged)))
        self._queue.download(self._ring[index][0], self._output_block.address)

    def told(self, index: int, slots: Array) -> StepTold:
        """What the step of this number said; its download is over."""
        return StepTold(self._ring[index][1], slots)

    def download_words(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """Has what was said of every word read, for the rows that want it."""
        if self.words is None:
            return
        row_bytes = 4 * self.shape.tokens * self._vocab_size
        for row, (slot, proposal) in enumerate(zip(slots.tolist(), proposals, strict=True)):
            if proposal.wants_scores:
                count = len(proposal.token_ids)
                staged = self._staged_words(row)[: 4 * count * self._vocab_size]
                self._queue.download(staged, self.words.address + slot * row_bytes)

    def scores(self, proposals: Sequence[Proposal]) -> list[Array | None]:
        """The same, as something to be multiplied by a penalty; nothing if nobody wants it."""
        if self.words is None:
            return []
        return [
            scores_of(
                self._staged_words(row)[: 4 * (count := len(proposal.token_ids)) * self._vocab_size]
                .view(np.float32)
                .reshape(count, self._vocab_size),
                gives_logits=self._gives_logits,
            )
            if proposal.wants_scores
            else None
            for row, proposal in enumerate(proposals)
        ]

    def _staged_words(self, row: int) -> Array:
        size = 4 * self.shape.tokens * self._vocab_size
        while row >= len(self._words_told):
            self._words_told.append(self._device.stage(size))
        return self._words_told[row]

    def _bind(self, spec: GraphSpec, geometry: Geometry, lane: DeviceLane) -> None:
        shape = self.shape
        tensors = lane.tensors(shape.rows)
        outputs = {
            updated: tensors[name]
            for name, updated in zip(
                cache_names(geometry), updated_cache_names(geometry), strict=True
            )
        }
        tensors |= _placed(self._inputs, self._input_block)
        outputs |= _placed(self._outputs, self._output_block)
        if geometry.relative_positions:
            tensors[SLOT_POSITIONS] = self._slot_positions(lane.key.width)
        if self.words is not None:
            words = (shape.rows, shape.tokens, geometry.vocab_size)
            name = vocabulary_output(geometry)
            outputs[name] = DeviceTensor(self.words.address, "float32", words)
        for name in (each.name for each in spec.inputs):
            bind_input(self._binding, self._device, name, tensors[name])
        for name, tensor in outputs.items():
            bind_output(self._binding, self._device, name, tensor)
        self._kept_alive = lane

    def _slot_positions(self, width: int) -> DeviceTensor:
        positions = slot_positions(self.shape, width)
        self._positions = self._device.allocate(positions.nbytes)
        staged = self._device.stage(positions.nbytes)
        staged[:] = positions.reshape(-1).view(np.uint8)
        self._queue.upload(self._positions.address, staged)
        self._queue.wait()
        return DeviceTensor(self._positions.address, "int64", positions.shape)


class Burst:
    """One look of the engine."""

    def __init__(
        self, queue: Queue, step: BoundStep, proposals: Sequence[Proposal], slots: Array
    ) -> None:
        self._queue, self._step = queue, step
        self._proposals, self._slots = proposals, slots

    def run(self, graph_id: int, steps_ahead: int) -> list[StepTold]:
        """Queues all steps, waits once, and gives what each of them said."""
        step, proposals, slots = self._step, self._proposals, self._slots
        try:
            step.upload(proposals, slots)
            for index in range(steps_ahead + 1):
                if index:
                    step.feed_back()
                if index == 1:
                    step.upload_lasting(proposals, slots)
                step.run(graph_id)
                step.download(index)
            step.download_words(proposals, slots)
        finally:
            # Also where a step could not be queued: what was is still read and written.
            self._queue.wait()
        return [step.told(index, slots) for index in range(steps_ahead + 1)]

    def scores(self) -> Sequence[Array | None]:
        """What was said of every word, for the rows that want it."""
        return self._step.scores(self._proposals)


class LastingExclusions:
    """What may not follow any token of the steps that a device takes by itself."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self._filled: tuple[tuple[int, Sequence[int]], ...] = ()

    def fill(self, proposals: Sequence[Proposal], slots: Array) -> None:
        """Writes them; rows whose ids are the same as last time cost nothing but the look."""
        wanted = tuple(
            (slot, proposal.ahead.excluded_ids if proposal.ahead else ())
            for slot, proposal in zip(slots.tolist(), proposals, strict=True)
        )
        if wanted == self._filled:
            return
        self._array.fill(PADDING)
        for slot, ids in wanted:
            self._array[slot, :, : len(ids)] = ids
        self._filled = wanted


def _placed(layout: Layout, block: Block) -> dict[str, DeviceTensor]:
    return {
        field.name: DeviceTensor(
            block.address + layout.offsets[field.name], _NUMPY_NAMES[field.dtype], field.shape
        )
        for field in layout.fields
    }


def _run_options(graph_id: int) -> Any:
    options = onnxruntime.RunOptions()
    # Whoever queued the last of several steps waits for them all.
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    options.add_run_config_entry("gpu_graph_id", str(graph_id))
    assert graph_id == NOT_CAPTURED or graph_id > 0, "0 would be captured without having been asked"
    return options

"""The engine's ModelRunner on a device of its own memory."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bundle.load import Bundle
from bundle.manifest import Manifest
from bundle.signature import DECODER_AHEAD, DECODER_TOKENS, ENCODER
from server.decoding.strategy import Outcome
from server.engine.encoding import MOST_UNDER_WAY
from server.engine.lanes import lanes_for
from server.engine.runner import DecodeBatch, Encoding, LaneKey, Move
from server.runtime.device.drivers.device import Device, Queue
from server.runtime.device.drivers.worker import Worker
from server.runtime.device.encoding.encoder import DeviceEncoder, DeviceEncoding
from server.runtime.device.memory.buckets import (
    fit_excluded,
    fit_slots,
    rows_ladder,
    source_ladder,
)
from server.runtime.device.memory.budget import available_bytes, count_rows, lane_shapes
from server.runtime.device.memory.lanes import LanePool
from server.runtime.device.steps.bound_step import Burst
from server.runtime.device.steps.capture_list import CaptureList, Sizes, planned
from server.runtime.device.steps.outcomes import outcomes_of
from server.runtime.device.steps.step_cache import BoundSteps
from server.runtime.device.steps.step_plan import MOST_FED, plan_step
from server.runtime.failures import told_as_runner_errors
from server.runtime.options import RunnerOptions
from server.runtime.session import open_session
from server.runtime.step.fill import check_places
from server.runtime.step.shape import StepShape
from server.runtime.threads import ThreadBudget, thread_budget

DRAFT_TOKENS = 5
MOST_STEPS_AHEAD = 15


class DeviceRunner:
    """The sessions over one bundle, and the lanes in a device's memory.

    Raises BundleError where the bundle cannot be run, and NotEnoughDeviceMemory where the device
    holds too few rows.
    """

    encodes_by_itself = True

    def __init__(
        self,
        bundle: Bundle,
        device: Device,
        options: RunnerOptions,
        *,
        most_steps_ahead: int = MOST_STEPS_AHEAD,
    ) -> None:
        manifest = bundle.manifest
        self.most_steps_ahead = most_steps_ahead
        self._geometry = manifest.geometry
        self._draft = DRAFT_TOKENS if manifest.geometry.copy_head else 0
        self._device, self._queue = device, device.queue()
        encoder_queue = device.queue()
        budget = thread_budget(options.threads)
        self.threads = budget.threads
        self.sessions = _open_sessions(
            bundle,
            device,
            {ENCODER: encoder_queue, DECODER_AHEAD: self._queue, DECODER_TOKENS: self._queue},
            budget,
            captures=options.capture.enabled,
        )
        self.actual_provider: str = self.sessions[DECODER_AHEAD].get_providers()[0]
        # While a graph is captured, no other thread may ask anything of the device.
        launching = threading.Lock()
        self._encoder = DeviceEncoder(
            device, encoder_queue, self.sessions[ENCODER], manifest, launching
        )
        self._steps = BoundSteps(
            device,
            self._queue,
            self.sessions,
            manifest,
            captures=options.capture.enabled,
            launching=launching,
        )
        # The sessions have taken their weights: what is free now is for rows.
        available = available_bytes(
            free=device.free_bytes(), total=device.total_bytes(), fraction=options.memory_fraction
        )
        self.max_rows = self._count_rows(manifest, options, available)
        self._ladder = rows_ladder(self.max_rows)
        self._lanes = LanePool(
            device,
            self._queue,
            manifest.geometry,
            most_written=_most_written(manifest),
            max_rows=self.max_rows,
            most_bytes=available,
            kept=dict.fromkeys(_kept_lanes(manifest), self.max_rows),
            forget=self._steps.forget,
        )
        self._worker = Worker(device, "decoder")
        with told_as_runner_errors("capturing the first steps"):
            self._worker.do(lambda: self._capture(options.capture, options.on_capture))

    @property
    def num_captured(self) -> int:
        """Steps that are replayed as graphs."""
        return self._steps.captures.num_captured

    def begin_encoding(self, sources: Sequence[Sequence[int]]) -> DeviceEncoding:
        """Prepares documents to be encoded together; nothing is run yet."""
        with told_as_runner_errors(f"preparing {len(sources)} documents"):
            return self._encoder.begin(sources)

    def admit(
        self, encoding: Encoding, documents: Sequence[int], lane: LaneKey, first_row: int
    ) -> None:
        """Copies what was encoded into slots of a lane, on the device."""
        assert isinstance(encoding, DeviceEncoding), "encodings come from begin_encoding"
        with told_as_runner_errors(f"making room for {len(documents)} documents"):
            self._worker.do(lambda: self._admit(encoding, documents, lane, first_row))

    def decode(self, batch: DecodeBatch) -> Sequence[Outcome]:
        """Runs a step, and those ahead; waits once, at the end."""
        with told_as_runner_errors(f"a step of {len(batch.proposals)} rows"):
            check_places(batch.proposals, self._geometry)
            return self._worker.do(lambda: self._decode(batch))

    def move(self, move: Move) -> None:
        """Puts down that a row has another number; it stays where it is."""
        self._lanes.lane(move.lane).move(move.source_row, move.target_row)

    def vacate(self, lane: LaneKey) -> None:
        """Empties a lane."""
        self._worker.do(lambda: self._lanes.vacate(lane))

    def _admit(
        self, encoding: DeviceEncoding, documents: Sequence[int], key: LaneKey, first_row: int
    ) -> None:
        lane = self._lanes.lane_for(key, first_row + len(documents))
        self._queue.after(encoding.launched)
        sources = [encoding.sources[index] for index in documents]
        lane.admit(first_row, encoding.encoded(), documents, sources)
        encoding.admitted(self._queue.mark())

    def _decode(self, batch: DecodeBatch) -> list[Outcome]:
        proposals = batch.proposals
        lane = self._lanes.lane(batch.lane)
        plan = plan_step(batch, self._geometry, draft=self._draft, most_slots=lane.most_slots)
        lane.arrange(len(proposals), plan.slots, self._ladder)
        shape = plan.shape(
            extent=lane.table.extent, ladder=self._ladder, source=lane.source, slots=lane.slots
        )
        step = self._steps.bound(lane, shape)
        burst = Burst(self._queue, step, proposals, lane.table.slots)
        with self._steps.running(lane, shape) as graph_id:
            steps = burst.run(graph_id, plan.steps_ahead)
        return outcomes_of(proposals, steps, burst.scores())

    def _count_rows(self, manifest: Manifest, options: RunnerOptions, available: int) -> int:
        geometry, most_written = manifest.geometry, _most_written(manifest)
        return count_rows(
            [lane_shapes(geometry, key, most_written) for key in _kept_lanes(manifest)],
            asked=options.max_rows,
            available=available,
            tokens=1 + self._draft,
            vocab_size=geometry.vocab_size,
            # Those under way, and one that is still copied to its rows.
            encoding=(MOST_UNDER_WAY + 1) * options.encode_tokens * self._encoder.token_bytes,
        )

    def _capture(self, wanted: CaptureList, on_progress: Callable[[int, int], None]) -> None:
        """Captures what is to be captured at start; nobody is in the lanes yet."""
        if not (self._device.can_capture and wanted.enabled):
            return
        first = fit_slots(1)
        plans: list[tuple[LaneKey, Sizes]] = []
        shortest = 0
        for key in self._lanes.lanes():
            lane = self._lanes.lane(key)
            sizes = planned(
                wanted,
                rows=self._ladder,
                source=[s for s in source_ladder(key.longest_source) if s > shortest][::-1],
                slots=[s for s in (first, 2 * first, 4 * first) if s <= lane.most_slots],
                tokens=sorted({1, 1 + self._draft}, reverse=True),
            )
            plans += [(key, each) for each in sizes]
            shortest = key.longest_source
        for done, (key, each) in enumerate(plans, 1):
            self._capture_one(key, each)
            on_progress(done, len(plans))

    def _capture_one(self, key: LaneKey, sizes: Sizes) -> None:
        lane = self._lanes.lane(key)
        lane.lay_out(sizes.source, sizes.slots)
        shape = StepShape(
            DECODER_AHEAD, sizes.rows, sizes.source, sizes.slots, sizes.tokens, fit_excluded(1)
        )
        step = self._steps.bound(lane, shape)
        with (
            told_as_runner_errors(f"capturing a step of {shape.rows} rows"),
            self._steps.running(lane, shape, at_once=True) as graph_id,
        ):
            step.run(graph_id)
            self._queue.wait()
        lane.begin_anew()


def _open_sessions(
    bundle: Bundle,
    device: Device,
    queues: Mapping[str, Queue],
    budget: ThreadBudget,
    *,
    captures: bool,
) -> dict[str, Any]:
    """Each graph in its queue; the encoder is never captured."""
    manifest = bundle.manifest
    return {
        name: open_session(
            bundle.graph_path(name),
            manifest.graphs[name],
            budget,
            device.placement(
                queue,
                captures=captures and name != ENCODER,
                exact=manifest.precision == "fp32",
            ),
        )
        for name, queue in queues.items()
    }


def _kept_lanes(manifest: Manifest) -> list[LaneKey]:
    """The lanes of single summaries, which are there from the start."""
    return [LaneKey(longest, 1) for longest in lanes_for(manifest)]


def _most_written(manifest: Manifest) -> int:
    """Places that a summary fills at most, drafts included."""
    return manifest.limits.max_summary_tokens + MOST_FED

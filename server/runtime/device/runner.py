"""The engine's ModelRunner on a device of its own memory."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from bundle.load import Bundle
from bundle.signature import (
    DECODER_AHEAD,
    DECODER_TOKENS,
    ENCODER,
)
from server.decoding.strategy import Outcome, Proposal
from server.engine.encoding import MOST_UNDER_WAY
from server.engine.lanes import lanes_for
from server.engine.runner import DecodeBatch, Encoding, LaneKey, Move
from server.runtime.device.buckets import (
    fit_excluded,
    fit_slots,
    rows_ladder,
    source_ladder,
)
from server.runtime.device.budget import available_bytes, count_rows, lane_shapes
from server.runtime.device.burst import Burst
from server.runtime.device.capture_list import CaptureList, Sizes, planned
from server.runtime.device.device import Device
from server.runtime.device.encoding import DeviceEncoder, DeviceEncoding
from server.runtime.device.lanes import LanePool
from server.runtime.device.outcomes import outcomes_of
from server.runtime.device.placement import placement_on
from server.runtime.device.step_shape import MOST_FED, StepShape, plan_step
from server.runtime.device.steps import BoundSteps
from server.runtime.device.worker import Worker
from server.runtime.failures import told_as_runner_errors
from server.runtime.session import open_session
from server.runtime.threads import thread_budget

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
        *,
        requested_provider: str = "cuda",
        threads: int = 0,
        max_rows: int = 0,
        encode_tokens: int = 0,
        memory_fraction: float = 0.9,
        draft_tokens: int = DRAFT_TOKENS,
        most_steps_ahead: int = MOST_STEPS_AHEAD,
        capture: CaptureList | None = None,
        on_progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        manifest = bundle.manifest
        self._geometry = geometry = manifest.geometry
        self.requested_provider = requested_provider
        self.most_steps_ahead = most_steps_ahead
        self._draft = draft_tokens if geometry.copy_head else 0
        capture = capture or CaptureList()
        budget = thread_budget(threads)
        self.threads = budget.threads
        self._device = device
        self._queue = device.queue()
        encoder_queue = device.queue()

        def opened(name: str, queue: Any, *, captures: bool) -> Any:
            exact = manifest.precision == "fp32"
            placement = placement_on(device, queue, captures=captures, exact=exact)
            return open_session(bundle.graph_path(name), manifest.graphs[name], budget, placement)

        self.sessions = {
            ENCODER: opened(ENCODER, encoder_queue, captures=False),
            DECODER_AHEAD: opened(DECODER_AHEAD, self._queue, captures=capture.enabled),
            DECODER_TOKENS: opened(DECODER_TOKENS, self._queue, captures=capture.enabled),
        }
        self.actual_provider: str = self.sessions[DECODER_AHEAD].get_providers()[0]
        # While a graph is captured, no other thread may ask anything of the device.
        launching = threading.Lock()
        self._encoder = DeviceEncoder(
            device, encoder_queue, self.sessions[ENCODER], geometry,
            longest=manifest.longest_source, pad_id=manifest.special_tokens.pad_id,
            launching=launching,
        )  # fmt: skip
        self._most_written = manifest.limits.max_summary_tokens + MOST_FED
        lanes = [LaneKey(longest, 1) for longest in lanes_for(manifest)]
        shapes = [lane_shapes(geometry, key, self._most_written) for key in lanes]
        available = available_bytes(
            free=device.free_bytes(), total=device.total_bytes(), fraction=memory_fraction
        )
        self.max_rows = count_rows(
            shapes,
            asked=max_rows,
            available=available,
            tokens=1 + self._draft,
            vocab_size=geometry.vocab_size,
            # Those under way, and one that is still copied to its rows.
            encoding=(MOST_UNDER_WAY + 1) * encode_tokens * self._encoder.token_bytes,
        )
        self._ladder = rows_ladder(self.max_rows)
        self._steps = BoundSteps(
            device, self._queue, self.sessions, manifest, captures=capture.enabled,
            launching=launching,
        )  # fmt: skip
        self._lanes = LanePool(
            device, self._queue, geometry,
            most_written=self._most_written, max_rows=self.max_rows, most_bytes=available,
            kept=dict.fromkeys(lanes, self.max_rows), forget=self._steps.forget,
        )  # fmt: skip
        self._worker = Worker(device, "decoder")
        with told_as_runner_errors("capturing the first steps"):
            self._worker.do(lambda: self._capture(capture, on_progress))

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
            self._check_places(batch.proposals)
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

    def _check_places(self, proposals: Sequence[Proposal]) -> None:
        last = max(max(proposal.places) for proposal in proposals)
        if last >= self._geometry.max_positions:
            raise ValueError(f"place {last} is past the last, {self._geometry.max_positions - 1}")

    def _capture(self, wanted: CaptureList, on_progress: Callable[[int, int], None]) -> None:
        """Captures what is to be captured at start; nobody is in the lanes yet."""
        if self._device.kind != "cuda" or not wanted.enabled:
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

"""Steps are bound once, captured when they come often, and let go with their memory.

The sessions only write down how they were run.
"""

import threading
from dataclasses import replace
from typing import Any

import pytest

from bundle.manifest import Manifest
from bundle.signature import DECODER_AHEAD, DECODER_TOKENS
from server.engine.runner import LaneKey, OutOfMemoryRunnerError
from server.runtime.device.drivers.host import HostDevice
from server.runtime.device.memory.budget import lane_shapes
from server.runtime.device.memory.lane import DeviceLane
from server.runtime.device.steps.captures import NOT_CAPTURED
from server.runtime.device.steps.step_cache import BoundSteps
from server.runtime.step.shape import StepShape
from tests.server.runtime.device.conftest import Pair

KEY = LaneKey(128, 1)
SHAPE = StepShape(DECODER_AHEAD, rows=2, source=64, slots=64, tokens=6, excluded=16)


class Session:
    def __init__(self, launching: threading.Lock) -> None:
        self.launching = launching
        # The graph of each run, and whether all others were kept from launching meanwhile.
        self.runs: list[tuple[int, bool]] = []
        self.released: list[int] = []

    def io_binding(self) -> Any:
        class Binding:
            def bind_input(self, *arguments: Any) -> None: ...
            def bind_output(self, *arguments: Any) -> None: ...

        return Binding()

    def run_with_iobinding(self, binding: Any, options: Any) -> None:
        assert options.get_run_config_entry("disable_synchronize_execution_providers") == "1"
        graph_id = int(options.get_run_config_entry("gpu_graph_id"))
        self.runs.append((graph_id, self.launching.locked()))

    def release_captured_graph(self, graph_id: int) -> None:
        self.released.append(graph_id)


class Gpu(HostDevice):
    can_capture = True


class Setting:
    """A lane and its steps."""

    def __init__(self, manifest: Manifest, *, captures: bool = True) -> None:
        self.device = Gpu(1 << 26)
        self.queue = self.device.queue()
        self.geometry = manifest.geometry
        launching = threading.Lock()
        self.session = Session(launching)
        sessions = {DECODER_AHEAD: self.session, DECODER_TOKENS: self.session}
        self.steps = BoundSteps(
            self.device, self.queue, sessions, manifest, captures=captures, launching=launching
        )
        self.lane = self.new_lane()

    def new_lane(self) -> DeviceLane:
        shapes = lane_shapes(self.geometry, KEY, 70)
        return DeviceLane(self.device, self.queue, self.geometry, KEY, shapes, 4)

    def run(self, shape: StepShape = SHAPE, *, at_once: bool = False) -> None:
        step = self.steps.bound(self.lane, shape)
        with self.steps.running(self.lane, shape, at_once=at_once) as graph_id:
            step.run(graph_id)


@pytest.fixture
def setting(copying: Pair) -> Setting:
    return Setting(copying.bundle.manifest)


def test_a_step_that_comes_often_is_captured_and_then_replayed(setting: Setting) -> None:
    for _ in range(7):
        setting.run()
    as_it_is, captured, replayed = (NOT_CAPTURED, False), (1, True), (1, False)
    assert setting.session.runs == [as_it_is] * 4 + [captured, replayed, replayed]


def test_a_step_is_bound_once(setting: Setting) -> None:
    step = setting.steps.bound(setting.lane, SHAPE)
    assert setting.steps.bound(setting.lane, SHAPE) is step
    assert setting.steps.bound(setting.lane, SHAPE._replace(rows=4)) is not step


def test_the_same_shape_over_other_memory_is_another_graph(setting: Setting) -> None:
    setting.run(at_once=True)
    setting.lane = setting.new_lane()
    setting.run(at_once=True)
    assert setting.session.runs == [(1, True), (2, True)]


def test_what_was_captured_over_memory_goes_with_it(setting: Setting) -> None:
    setting.run(at_once=True)
    setting.run(SHAPE._replace(rows=4))
    setting.steps.forget(setting.lane)
    assert setting.session.released == [1]
    assert setting.steps.captures.num_captured == 0


def test_a_capture_that_failed_is_made_anew(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("odd")

    with monkeypatch.context() as patched:
        patched.setattr(setting.session, "run_with_iobinding", fail)
        with pytest.raises(RuntimeError, match="odd"):
            setting.run(at_once=True)
    setting.run(at_once=True)
    assert setting.session.runs == [(2, True)]


def test_a_capture_that_failed_tells_why_and_not_that_there_is_nothing_to_release(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*arguments: Any) -> None:
        raise OutOfMemoryRunnerError("full")

    def no_graph(graph_id: int) -> None:
        raise RuntimeError(f"no graph {graph_id}")

    monkeypatch.setattr(setting.session, "run_with_iobinding", no_memory)
    monkeypatch.setattr(setting.session, "release_captured_graph", no_graph)
    with pytest.raises(OutOfMemoryRunnerError, match="full"):
        setting.run(at_once=True)
    assert setting.steps.captures.num_captured == 0


def test_steps_that_tell_of_every_word_share_one_piece_of_memory(setting: Setting) -> None:
    words = StepShape(
        DECODER_TOKENS, rows=1, source=64, slots=64, tokens=2, excluded=16, gives_words=True
    )
    small = setting.steps.bound(setting.lane, words)
    large = setting.steps.bound(setting.lane, words._replace(rows=4))
    again = setting.steps.bound(setting.lane, words)
    assert again.words is large.words
    assert again is not small


def test_without_captures_no_step_is_ever_a_graph(copying: Pair) -> None:
    setting = Setting(copying.bundle.manifest, captures=False)
    for _ in range(9):
        setting.run(at_once=True)
    assert set(setting.session.runs) == {(NOT_CAPTURED, False)}


def test_a_step_in_half_precision_is_bound_to_tensors_of_that_type(copying: Pair) -> None:
    manifest = copying.bundle.manifest
    for float_type in ("float16", "bfloat16"):
        geometry = replace(manifest.geometry, float_type=float_type)
        setting = Setting(replace(manifest, geometry=geometry))
        tensors = setting.lane.tensors(2)
        assert tensors["cross_key_0"].dtype == tensors["source_bias"].dtype == float_type
        assert tensors["source_ids"].dtype == "int64"

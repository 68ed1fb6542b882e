"""The runner on a device: captured, as it is, and beside PyTorch."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from bundle.load import Bundle
from model.checkpoints.checkpoint import load_checkpoint
from model.decoding.generate import Generation, GreedyOptions, greedy
from server.engine.runner import LaneKey
from server.runtime.device.drivers.device import Device
from server.runtime.device.memory.budget import NotEnoughDeviceMemory
from server.runtime.device.runner import DeviceRunner
from server.runtime.device.steps.capture_list import parse_capture_list
from server.runtime.options import RunnerOptions
from server.runtime.ort_runner import OrtRunner
from tests.gpu.conftest import Network
from tests.server.runtime.documents import decoding, run, strategy, tokens

pytestmark = pytest.mark.gpu

MAX_ROWS, MAX_TOKENS = 8, 24
# In half precision, two tokens this near in their logarithms may change places from one way of
# adding up to another.
NEAR_TIE = 0.05
GREEDY = decoding(max_tokens=MAX_TOKENS, no_repeat_ngram_size=0)


def runner(bundle: Bundle, device: Device, capture: str = "auto") -> DeviceRunner:
    options = RunnerOptions(threads=1, max_rows=MAX_ROWS, capture=parse_capture_list(capture))
    return DeviceRunner(bundle, device, options)


def written(
    bundle: Bundle,
    made: DeviceRunner | OrtRunner,
    sources: Sequence[Sequence[int]],
    **changes: object,
) -> list[list[int]]:
    options = decoding(**{"max_tokens": MAX_TOKENS, "no_repeat_ngram_size": 0} | changes)
    return tokens(run(made, sources, [strategy(bundle, source, options) for source in sources]))


def test_the_sessions_run_where_they_were_put(
    network: Network, device: Device, on_gpu: bool
) -> None:
    expected = "CUDAExecutionProvider" if on_gpu else "CPUExecutionProvider"
    made = runner(network.fp32, device)
    assert made.actual_provider == expected
    assert {each.get_providers()[0] for each in made.sessions.values()} == {expected}
    assert (made.num_captured > 0) == on_gpu


@pytest.mark.parametrize("changes", [{}, {"speculation": True}, {"num_beams": 3}], ids=str)
def test_captured_steps_write_what_steps_as_they_are_write(
    network: Network, device: Device, changes: dict[str, object]
) -> None:
    bundle = network.fp16
    as_they_are = runner(bundle, device, "off")
    captured = runner(bundle, device)
    expected = written(bundle, as_they_are, network.sources, **changes)
    assert as_they_are.num_captured == 0
    # Again and again: shapes are captured once they have come a few times.
    for _ in range(4):
        assert written(bundle, captured, network.sources, **changes) == expected


@pytest.mark.parametrize(
    "changes", [{}, {"speculation": True}, {"num_beams": 3}, {"repetition_penalty": 1.3}], ids=str
)
def test_in_fp32_a_device_writes_what_the_processor_writes(
    network: Network, device: Device, changes: dict[str, object]
) -> None:
    bundle = network.fp32
    expected = written(bundle, OrtRunner(bundle, threads=1), network.sources, **changes)
    assert written(bundle, runner(bundle, device), network.sources, **changes) == expected


def test_in_fp16_a_device_writes_what_pytorch_writes_there_but_for_near_ties(
    network: Network, device: Device, on_gpu: bool
) -> None:
    bundle = network.fp16
    special = bundle.manifest.special_tokens
    oracle = load_checkpoint(network.checkpoint).half().to("cuda" if on_gpu else "cpu").eval()
    options = GreedyOptions(
        max_tokens=MAX_TOKENS,
        banned_ids=special.never_emitted_ids,
        forced_first=special.forced_first_id,
        forced_last=special.forced_last_id,
    )
    with torch.inference_mode():
        expected = [greedy(oracle, source, options) for source in network.sources]
    found = written(bundle, runner(bundle, device), network.sources)
    for ours, theirs in zip(found, expected, strict=True):
        _assert_equal_but_for_near_ties(ours, theirs, special.end_id)


def _assert_equal_but_for_near_ties(ours: list[int], theirs: Generation, end_id: int) -> None:
    ours = [*ours, end_id] if len(ours) < len(theirs.tokens) else ours
    for token, expected, margin in zip(ours, theirs.tokens, theirs.margins, strict=False):
        if token != expected:
            # What comes after it is another summary.
            assert margin < NEAR_TIE
            return
    assert len(ours) == len(theirs.tokens)


def test_a_crowd_does_not_change_what_one_writes(network: Network, device: Device) -> None:
    made = runner(network.fp32, device)
    alone = [written(network.fp32, made, [source])[0] for source in network.sources]
    assert written(network.fp32, made, network.sources) == alone


def test_more_rows_than_the_device_has_memory_for_are_refused(
    network: Network, device: Device
) -> None:
    with pytest.raises(NotEnoughDeviceMemory) as refused:
        DeviceRunner(network.fp32, device, RunnerOptions(threads=1, max_rows=1 << 22))
    assert 0 < refused.value.fits < 1 << 22


def test_what_a_lane_of_beams_took_is_there_again_for_the_next(
    network: Network, device: Device
) -> None:
    made = runner(network.fp32, device)
    for width in (2, 3, 4, 5, 6):
        written(network.fp32, made, network.sources[:2], num_beams=width)
        made.vacate(LaneKey(64, width))
    wide = [lane for key, lane in made._lanes.lanes().items() if key.width > 1]
    assert len(wide) <= 2
    assert np.all([lane.is_empty for lane in made._lanes.lanes().values()])

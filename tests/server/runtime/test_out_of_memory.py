"""No memory for a document is that document's misfortune alone."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from bundle.manifest import Geometry
from server.engine.drive import drive
from server.engine.engine import Engine
from server.engine.request import EngineRequest, Failed, Finished
from server.engine.runner import OutOfMemoryRunnerError, RunnerError, RunnerLostError
from server.engine.scheduler import EngineConfig
from server.errors import OutOfMemory
from server.runtime import lane as lane_module
from server.runtime.encoding import EncoderSlice
from server.runtime.failures import DeviceError, told_as_runner_errors
from server.runtime.lane_arrays import Capacity, LaneArrays
from tests.bundle.conftest import DEFAULT_BUNDLE
from tests.server.runtime.documents import LANES, ROOT, decoding, run, strategy, tokens
from tests.server.runtime.stepping import NARROW, Model, assert_alike, feed


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bad allocation"),
        RuntimeError("Exception during initialization: std::bad_alloc"),
        RuntimeError(
            "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while "
            "running Mul node. Status Message: /onnxruntime_src/onnxruntime/core/framework/"
            "bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, "
            "onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 15728896"
        ),
        RuntimeError(
            "[ONNXRuntimeError] : 1 : FAIL : CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; "
            "line=175 ; expr=cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);"
        ),
        RuntimeError("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=h"),
    ],
    ids=str,
)
def test_every_way_of_saying_that_memory_is_out_is_understood(error: Exception) -> None:
    with (
        pytest.raises(OutOfMemoryRunnerError, match="encoding failed"),
        told_as_runner_errors("encoding"),
    ):
        raise error


def test_what_is_no_want_of_memory_is_not_taken_for_one() -> None:
    with pytest.raises(RunnerError, match="a step failed: odd") as caught:
        with told_as_runner_errors("a step"):
            raise ValueError("odd")
    assert not isinstance(caught.value, OutOfMemoryRunnerError)


@pytest.mark.parametrize(
    "said",
    [
        "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=h ; "
        "line=448 ; expr=cudaStreamSynchronize(static_cast<cudaStream_t>(stream_));",
        "CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED ; GPU=0 ; hostname=h",
        "CUDNN failure 5000: CUDNN_STATUS_EXECUTION_FAILED ; GPU=0 ; hostname=h",
    ],
    ids=["CUDA", "CUBLAS", "CUDNN"],
)
def test_an_error_of_the_device_itself_is_the_end_of_its_runner(said: str) -> None:
    with pytest.raises(DeviceError, match=r"a step failed: .* failure") as caught:
        with told_as_runner_errors("a step"):
            raise RuntimeError(f"[ONNXRuntimeError] : 1 : FAIL : {said}")
    assert isinstance(caught.value, RunnerLostError)


@pytest.mark.parametrize(
    "error",
    [DeviceError("the stream cannot be waited for"), OutOfMemoryRunnerError("9 bytes wanted")],
    ids=["lost", "out of memory"],
)
def test_what_is_told_in_the_engines_words_is_passed_on_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, told_as_runner_errors("a step"):
        raise error
    assert caught.value is error


@pytest.fixture
def scarce_memory(monkeypatch: pytest.MonkeyPatch) -> int:
    """A lane finds memory for sources of at most so many tokens."""
    longest = 384

    class Scarce(LaneArrays):
        def __init__(self, geometry: Geometry, capacity: Capacity) -> None:
            if capacity.source_tokens > longest:
                raise MemoryError
            super().__init__(geometry, capacity)

    monkeypatch.setattr(lane_module, "LaneArrays", Scarce)
    return longest


def test_a_lane_without_room_for_a_document_keeps_its_arrays_and_rows(
    int8_model: Model, scarce_memory: int
) -> None:
    source = int8_model.sources[0][:200]
    written, said = int8_model.write(source, 3)
    int8_model.admit(source)
    int8_model.step(feed(written[:2], 0))
    arrays = int8_model.runner._lanes[NARROW].arrays
    with pytest.raises(OutOfMemoryRunnerError, match="making room for 1 documents failed"):
        int8_model.admit([9] * (scarce_memory + 1), first_row=1)
    assert int8_model.runner._lanes[NARROW].arrays is arrays
    (after,) = int8_model.step(feed(written[2:], 2))
    assert_alike(after, 0, said[2])


def test_only_the_huge_document_fails_and_says_how_large_it_is(
    int8_model: Model, scarce_memory: int
) -> None:
    bundle = int8_model.bundle
    # All three share a lane and a batch of the encoder.
    sources = [[9] * 300, [9] * (scarce_memory + 1), [11] * 290]
    strategies = [strategy(bundle, source, decoding()) for source in sources]
    engine = Engine(EngineConfig(LANES, max_rows=4, max_encode_tokens=4096), int8_model.runner)
    requests = [
        EngineRequest(id=index, source_ids=source, strategy=each)
        for index, (source, each) in enumerate(zip(sources, strategies, strict=True))
    ]
    ended = {event.request_id: event for event in drive(engine, requests)}
    failed = ended.pop(1)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, OutOfMemory)
    assert failed.error.source_tokens == scarce_memory + 1
    for index, event in ended.items():
        assert isinstance(event, Finished)
        each = strategy(bundle, sources[index], decoding())
        assert tokens([event.hypotheses]) == tokens(
            run(int8_model.runner, [sources[index]], [each])
        )


def test_a_batch_that_cannot_even_be_prepared_is_a_failure_of_its_documents(
    int8_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **more: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "full", full)
    with pytest.raises(OutOfMemoryRunnerError, match="preparing 1 documents failed"):
        int8_model.runner.begin_encoding([[9] * 10])


def test_a_slice_without_memory_says_so(int8_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> dict[str, Any]:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 44335104")

    encoding = int8_model.runner.begin_encoding([[9] * 10])
    monkeypatch.setattr(EncoderSlice, "run", fail)
    with pytest.raises(OutOfMemoryRunnerError, match="encoding 1 documents failed: Failed to all"):
        encoding.advance()


def test_a_process_without_memory_goes_on_with_what_it_has() -> None:
    """The system refuses memory: to onnxruntime for a batch, and to NumPy for a lane."""
    script = """
import resource, sys
from pathlib import Path
from bundle.load import load_bundle
from server.engine.runner import LaneKey, OutOfMemoryRunnerError
from server.runtime.ort_runner import OrtRunner
from tests.server.runtime.stepping import Model, assert_alike, feed
bundle = load_bundle(Path(sys.argv[1]))
model = Model(bundle, OrtRunner(bundle, threads=1), [[5, *range(100, 120), 1]])
written, said = model.write(model.sources[0], 3)
model.admit(model.sources[0])
model.step(feed(written[:1], 0))
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (1 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
for sources, lane in (([[9] * 900] * 24, LaneKey(1024, 1)), ([[9] * 20], LaneKey(1 << 20, 16))):
    try:
        model.admit(*sources, lane=lane)
    except OutOfMemoryRunnerError as error:
        print(str(error).split(" failed")[0])
after = [model.step(feed(written[slot : slot + 1], slot))[0] for slot in (1, 2)]
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for slot in (1, 2):
    assert_alike(after[slot - 1], 0, said[slot])
print("went on")
"""
    outcome = subprocess.run(
        [sys.executable, "-c", script, str(DEFAULT_BUNDLE)],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert outcome.stdout.splitlines() == [
        "encoding 24 documents",
        "making room for 1 documents",
        "went on",
    ]

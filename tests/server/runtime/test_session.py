"""Where a session runs is what onnxruntime answers, not what was asked of it."""

from typing import Any

import onnxruntime
import pytest

from bundle.errors import BundleError
from bundle.load import load_bundle
from server.engine.runner import OutOfMemoryRunnerError
from server.runtime.device.drivers.cuda import PROVIDER as CUDA
from server.runtime.session import (
    CPU,
    Placement,
    PlacementError,
    nodes_elsewhere,
    open_session,
    unexpected_types,
)
from server.runtime.threads import ThreadBudget
from tests.bundle.conftest import DEFAULT_BUNDLE

GRAPH = "decoder_step"
BUDGET = ThreadBudget(threads=1, may_spin=False)


def open_graph(placement: Placement) -> Any:
    bundle = load_bundle(DEFAULT_BUNDLE)
    return open_session(bundle.graph_path(GRAPH), bundle.manifest.graphs[GRAPH], BUDGET, placement)


@pytest.mark.filterwarnings("ignore:Specified provider .* is not in available:UserWarning")
def test_a_session_that_would_quietly_run_elsewhere_is_not_given() -> None:
    with pytest.raises(PlacementError, match=f"gave decoder_step.onnx {CPU}, not {CUDA}"):
        open_graph(Placement(CUDA))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("CUDA failure 100: no CUDA-capable device is detected ; GPU=-1", PlacementError),
        ("This session cannot use the graph capture feature as requested", PlacementError),
        ("CUDA failure 2: out of memory ; GPU=0", OutOfMemoryRunnerError),
        ("Failed to allocate memory for requested buffer of size 102400", OutOfMemoryRunnerError),
        ("Protobuf parsing failed", BundleError),
    ],
)
def test_what_keeps_a_graph_from_being_loaded_is_told_apart(
    said: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def fail(*arguments: Any, **more: Any) -> Any:
        asked.update(more)
        raise RuntimeError(said)

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(expected, match=said):
        open_graph(Placement(CUDA))
    assert asked["enable_fallback"] == 0


def recorded_session() -> Any:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    path = load_bundle(DEFAULT_BUNDLE).graph_path(GRAPH)
    return onnxruntime.InferenceSession(str(path), options, providers=[CPU])


class OnCuda:
    """A session on CUDA of which every node is recorded as the CPU's."""

    def __init__(self, session: Any) -> None:
        self.get_provider_graph_assignment_info = session.get_provider_graph_assignment_info

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]


def test_nodes_that_another_provider_runs_are_named() -> None:
    nodes = nodes_elsewhere(OnCuda(recorded_session()))

    assert sum(node.startswith("LayerNormalization") for node in nodes) == 10
    assert nodes == sorted(nodes)
    assert {"TopK", "Attention"} <= set(unexpected_types(nodes))
    assert "Gather" not in unexpected_types(nodes)


def test_a_session_on_the_cpu_leaves_nothing_to_others() -> None:
    assert nodes_elsewhere(open_graph(Placement(CPU))) == []


def test_arithmetic_with_shapes_may_be_on_the_cpu() -> None:
    assert unexpected_types(["Gather a", "Gather b", "Shape", "TopK", "TopK last"]) == ["TopK"]

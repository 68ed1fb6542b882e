"""Several graphs, one weights file."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.package.store import WEIGHTS_FILE, save_graphs
from tests.onnx_session import open_graph

LARGE = np.arange(32 * 1024, dtype=np.float32).reshape(32, 1024)
OTHER = LARGE[::-1].copy()
SMALL = np.ones(4, np.float32)


def make_graph(weights: NDArray[np.float32]) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Add", ["w", "x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, list(weights.shape))],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)


def test_equal_weights_of_two_graphs_are_stored_once(tmp_path: Path) -> None:
    save_graphs({"a.onnx": make_graph(LARGE), "b.onnx": make_graph(LARGE)}, tmp_path)
    assert (tmp_path / WEIGHTS_FILE).stat().st_size == LARGE.nbytes


def test_every_graph_reads_its_own_weights_back(tmp_path: Path) -> None:
    save_graphs({"a.onnx": make_graph(LARGE), "b.onnx": make_graph(OTHER)}, tmp_path)
    for name, expected in (("a.onnx", LARGE), ("b.onnx", OTHER)):
        session = open_graph(tmp_path / name)
        (found,) = session.run(None, {"x": np.zeros(1, np.float32)})
        np.testing.assert_array_equal(found, expected)


def test_small_weights_stay_in_the_graph(tmp_path: Path) -> None:
    save_graphs({"a.onnx": make_graph(SMALL)}, tmp_path)
    assert (tmp_path / WEIGHTS_FILE).stat().st_size == 0


def test_large_weights_begin_on_a_page(tmp_path: Path) -> None:
    save_graphs(
        {"a.onnx": make_graph(LARGE[:, :999].copy()), "b.onnx": make_graph(OTHER)}, tmp_path
    )
    model = onnx.load(str(tmp_path / "b.onnx"), load_external_data=False)
    entries = {entry.key: entry.value for entry in model.graph.initializer[0].external_data}
    assert int(entries["offset"]) % 4096 == 0

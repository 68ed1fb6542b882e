"""Eight-bit graphs: near the real ones, and the same for a row whoever lies beside it."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.passes.quantise.blocks import BLOCK, quantise_blocks, quantise_embedding, to_blocks
from export.passes.quantise.rows import quantise_rows, quantise_symmetric
from tests.onnx_session import open_graph

WIDTH, OUTPUTS, VOCABULARY = 2 * BLOCK, 24, 40
Quantise = Callable[[onnx.ModelProto], None]
both_forms = pytest.mark.parametrize("quantise", [quantise_rows, quantise_blocks])


matrices = hnp.arrays(np.float32, (5, 7), elements=st.floats(-1e3, 1e3, width=32))


@given(matrices)
def test_no_weight_of_a_column_is_off_by_more_than_half_its_step(
    matrix: NDArray[np.float32],
) -> None:
    integers, scales = quantise_symmetric(matrix)
    error = np.abs(integers * scales.astype(np.float64) - matrix)
    assert (error <= scales * 0.501 + 1e-30).all()


@given(matrices)
def test_no_weight_of_a_block_is_off_by_more_than_half_its_step(
    matrix: NDArray[np.float32],
) -> None:
    blocks, scales = to_blocks(matrix)
    steps = scales[:, :, None].astype(np.float64)
    found = ((blocks.astype(np.float64) - 128) * steps)[:, 0, : matrix.shape[1]]
    assert (np.abs(found - matrix) <= steps[:, 0] * 0.501 + 1e-30).all()


def make_graph(
    *nodes: onnx.NodeProto, constants: dict[str, NDArray[np.float32]]
) -> onnx.ModelProto:
    ids = nodes[0].op_type == "Gather"
    shape = ["rows"] if ids else ["rows", WIDTH]
    source = helper.make_tensor_value_info(
        "x", TensorProto.INT64 if ids else TensorProto.FLOAT, shape
    )
    target = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", "outputs"])
    graph = helper.make_graph(
        list(nodes), "g", [source], [target],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)


def run(model: onnx.ModelProto, x: NDArray[np.generic]) -> NDArray[np.float32]:
    session = open_graph(model)
    return session.run(None, {"x": x})[0]  # type: ignore[no-any-return]


def quantised(model: onnx.ModelProto, quantise: Quantise) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    quantise(copy)
    onnx.checker.check_model(copy)
    return copy


def relative_error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


RNG = np.random.default_rng(2026)
MATRIX = RNG.standard_normal((WIDTH, OUTPUTS)).astype(np.float32)
TABLE = RNG.standard_normal((VOCABULARY, WIDTH)).astype(np.float32)
X = RNG.standard_normal((6, WIDTH)).astype(np.float32)

PROJECTION = make_graph(helper.make_node("MatMul", ["x", "w"], ["y"]), constants={"w": MATRIX})
AFTER_GELU = make_graph(
    helper.make_node("Gelu", ["x"], ["h"]),
    helper.make_node("MatMul", ["h", "w"], ["y"]),
    constants={"w": MATRIX},
)
TIED = make_graph(
    helper.make_node("Transpose", ["table"], ["t"], perm=[1, 0]),
    helper.make_node("MatMul", ["x", "t"], ["y"]),
    constants={"table": TABLE},
)


@pytest.mark.parametrize(
    ("graph", "quantise"),
    [
        pytest.param(PROJECTION, quantise_rows, id="rows"),
        pytest.param(AFTER_GELU, quantise_rows, id="rows after gelu"),
        pytest.param(PROJECTION, quantise_blocks, id="blocks"),
        pytest.param(TIED, quantise_blocks, id="blocks, tied"),
    ],
)
def test_a_quantised_product_is_near_the_real_one(
    graph: onnx.ModelProto, quantise: Quantise
) -> None:
    assert relative_error(run(quantised(graph, quantise), X), run(graph, X)) < 0.01


@pytest.mark.parametrize(
    ("graph", "quantise"),
    [
        pytest.param(PROJECTION, quantise_rows, id="rows"),
        pytest.param(AFTER_GELU, quantise_rows, id="rows after gelu"),
        pytest.param(PROJECTION, quantise_blocks, id="blocks"),
        pytest.param(TIED, quantise_blocks, id="blocks, tied"),
    ],
)
def test_a_row_gets_the_same_bits_beside_a_neighbour_a_thousand_times_its_size(
    graph: onnx.ModelProto, quantise: Quantise
) -> None:
    model = quantised(graph, quantise)
    crowd = np.concatenate([X[:1], 1000 * X[1:]])
    np.testing.assert_array_equal(run(model, crowd)[0], run(model, X[:1])[0])


@both_forms
def test_a_row_of_zeros_gives_zeros(quantise: Quantise) -> None:
    assert not run(quantised(PROJECTION, quantise), np.zeros((2, WIDTH), np.float32)).any()


def test_the_embedding_reads_the_bytes_of_the_tied_projection() -> None:
    graph = make_graph(
        helper.make_node("Gather", ["table", "x"], ["h"]),
        helper.make_node("Transpose", ["table"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["h", "t"], ["y"]),
        constants={"table": TABLE},
    )

    def quantise(model: onnx.ModelProto) -> None:
        quantise_blocks(model)
        quantise_embedding(model)

    model = quantised(graph, quantise)
    contents = {
        numpy_helper.to_array(tensor).tobytes()
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.UINT8
    }
    assert len(contents) == 1
    ids = np.array([0, 7, 39])
    assert relative_error(run(model, ids), run(graph, ids)) < 0.01


def test_a_matrix_with_few_outputs_is_left_alone() -> None:
    graph = make_graph(
        helper.make_node("MatMul", ["x", "w"], ["y"]), constants={"w": MATRIX[:, :1].copy()}
    )
    assert [node.op_type for node in quantised(graph, quantise_blocks).graph.node] == ["MatMul"]


def test_what_is_read_three_times_is_quantised_once() -> None:
    graph = make_graph(
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["x", "w"], ["b"]),
        helper.make_node("MatMul", ["x", "w"], ["c"]),
        helper.make_node("Sum", ["a", "b", "c"], ["y"]),
        constants={"w": MATRIX},
    )
    kinds = [node.op_type for node in quantised(graph, quantise_rows).graph.node]
    assert kinds.count("QuantizeLinear") == 1
    assert kinds.count("MatMulIntegerToFloat") == 3

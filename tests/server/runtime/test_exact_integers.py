"""Integer products are exact in every session of the server, whatever the processor.

On a processor with VNNI they are exact without help, so there only the test of the session options
can fail; on one without, all of them can.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bundle.arithmetic import LARGEST_SIGNED
from bundle.manifest import GraphSpec, TensorSpec
from server.runtime.session import open_session
from server.runtime.threads import ThreadBudget

ROWS, INNER, COLUMNS = 5, 512, 48
BUDGET = ThreadBudget(threads=1, may_spin=False)
CONSTANT_EXTREMES = np.resize(np.array([127, -127, 126], np.int8), (INNER, COLUMNS))
DYNAMIC_EXTREMES = np.full((INNER, COLUMNS), LARGEST_SIGNED, np.int8)
LEFT = np.full((ROWS, INNER), 255, np.uint8)


def product(left: str, right: str, out: str) -> onnx.NodeProto:
    return helper.make_node("MatMulInteger", [left, right], [out])


def open_product(directory: Path, node: onnx.NodeProto, *, constant: bool) -> Any:
    """A session of one product of bytes [ROWS, INNER] with a matrix, constant or an input."""
    left = helper.make_tensor_value_info("left", TensorProto.UINT8, [ROWS, INNER])
    right = helper.make_tensor_value_info("right", TensorProto.INT8, [INNER, COLUMNS])
    is_fused = node.op_type == "MatMulIntegerToFloat"
    kind = TensorProto.FLOAT if is_fused else TensorProto.INT32
    dtype = "float32" if is_fused else "tensor(int32)"
    constants = [
        numpy_helper.from_array(np.array(1, np.float32), "one"),
        numpy_helper.from_array(np.ones(COLUMNS, np.float32), "ones"),
        numpy_helper.from_array(np.array(0, np.uint8), "zero"),
    ]
    if constant:
        constants.append(numpy_helper.from_array(CONSTANT_EXTREMES, "right"))
    graph = helper.make_graph(
        [node],
        "product",
        [left] if constant else [left, right],
        [helper.make_tensor_value_info("out", kind, [ROWS, COLUMNS])],
        [each for each in constants if each.name in node.input],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    path = directory / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    inputs = [TensorSpec(name="left", dtype="tensor(uint8)", shape=(str(ROWS), str(INNER)))]
    if not constant:
        inputs.append(TensorSpec(name="right", dtype="int8", shape=(str(INNER), str(COLUMNS))))
    outputs = (TensorSpec(name="out", dtype=dtype, shape=(str(ROWS), str(COLUMNS))),)
    spec = GraphSpec(file=path.name, inputs=tuple(inputs), outputs=outputs)
    return open_session(path, spec, BUDGET)


def exact(left: NDArray[np.uint8], right: NDArray[np.int8]) -> NDArray[np.int64]:
    return left.astype(np.int64) @ right.astype(np.int64)


FUSED = helper.make_node(
    "MatMulIntegerToFloat",
    ["left", "right", "one", "ones", "zero"],
    ["out"],
    domain="com.microsoft",
)


@pytest.mark.parametrize("node", [product("left", "right", "out"), FUSED], ids=["plain", "fused"])
def test_extreme_constant_weights_are_multiplied_exactly(
    node: onnx.NodeProto, tmp_path: Path
) -> None:
    session = open_product(tmp_path, node, constant=True)
    found = session.run(["out"], {"left": LEFT})[0]
    np.testing.assert_array_equal(found, exact(LEFT, CONSTANT_EXTREMES))


def test_the_largest_keys_and_values_are_multiplied_exactly(tmp_path: Path) -> None:
    session = open_product(tmp_path, product("left", "right", "out"), constant=False)
    found = session.run(["out"], {"left": LEFT, "right": DYNAMIC_EXTREMES})[0]
    np.testing.assert_array_equal(found, exact(LEFT, DYNAMIC_EXTREMES))


@pytest.mark.parametrize(
    ("instruction_set", "is_needed"),
    [("avx2", True), ("avx512", True), ("x86_64", True), ("avx512-vnni", False), ("neon", False)],
)
def test_sessions_ask_for_exact_products_where_there_is_no_vnni(
    instruction_set: str, is_needed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bundle.arithmetic.instruction_set", lambda: instruction_set)
    session = open_product(tmp_path, product("left", "right", "out"), constant=False)
    options = session.get_session_options()
    if is_needed:
        assert options.get_session_config_entry("session.x64quantprecision") == "1"
    else:
        with pytest.raises(RuntimeError, match="does not have"):
            options.get_session_config_entry("session.x64quantprecision")

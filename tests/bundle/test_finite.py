"""What is no number is found wherever a graph keeps its numbers, and named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bundle.errors import BundleError
from bundle.finite import check_finite
from bundle.onnx_tensors import float_tensors

NAN, INF = float("nan"), float("inf")
WEIGHTS = "weights.bin"
_FLOATS = [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16]
EVERY_FLOAT = pytest.mark.parametrize(
    "data_type", _FLOATS, ids=[TensorProto.DataType.Name(each) for each in _FLOATS]
)


def typed(data_type: int, numbers: list[float]) -> TensorProto:
    """Numbers in the field of their type."""
    return helper.make_tensor("weight", data_type, [len(numbers)], numbers)


def raw(data_type: int, numbers: list[float]) -> TensorProto:
    """Numbers as bytes inside the graph."""
    content = numpy_helper.to_array(typed(data_type, numbers)).tobytes()
    return helper.make_tensor("weight", data_type, [len(numbers)], content, raw=True)


def external(
    name: str, length: int | str, *, offset: int | str = 0, file: str = WEIGHTS
) -> TensorProto:
    """Numbers in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def save(directory: Path, *tensors: TensorProto, name: str = "graph.onnx") -> str:
    # A node before the initialisers: what else a graph holds is passed over.
    node = helper.make_node("Identity", ["weight"], ["output"], name="a node")
    graph = helper.make_graph([node], "graph", [], [], initializer=tensors)
    (directory / name).write_bytes(helper.make_model(graph).SerializeToString())
    return name


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where graphs and weights lie; 4 weights, the last of them no number."""
    np.array([1, 2, 3, np.nan], np.float32).tofile(tmp_path / WEIGHTS)
    return tmp_path


@EVERY_FLOAT
@pytest.mark.parametrize("store", [typed, raw], ids=["typed", "raw"])
@pytest.mark.parametrize("number", [NAN, INF, -INF])
def test_what_is_no_number_is_named_with_file_and_tensor(
    directory: Path, data_type: int, store: Callable[..., TensorProto], number: float
) -> None:
    file = save(directory, store(data_type, [0.5, -2.0, number]))
    problem = rf"graph\.onnx: tensor 'weight' of graph\.onnx holds {number} as number 2, only"
    with pytest.raises(BundleError, match=problem):
        check_finite(directory, [file], WEIGHTS)


@EVERY_FLOAT
@pytest.mark.parametrize("store", [typed, raw], ids=["typed", "raw"])
def test_numbers_as_large_as_can_be_are_numbers(
    directory: Path, data_type: int, store: Callable[..., TensorProto]
) -> None:
    check_finite(directory, [save(directory, store(data_type, [65504.0, -65504.0, 0.0]))], WEIGHTS)


@pytest.mark.parametrize("store", [typed, raw], ids=["typed", "raw"])
@given(
    numbers=st.lists(st.floats(width=16, allow_nan=False), min_size=1),
    data_type=st.sampled_from(_FLOATS[:3]),
)
def test_the_numbers_are_those_that_onnx_reads(
    store: Callable[..., TensorProto], numbers: list[float], data_type: int
) -> None:
    tensor = store(data_type, numbers)
    model = helper.make_model(helper.make_graph([], "graph", [], [], initializer=[tensor]))
    (found,) = float_tensors(memoryview(model.SerializeToString()))
    assert found.name == "weight"
    assert found.values is not None
    expected: NDArray[np.float64] = numpy_helper.to_array(tensor)
    np.testing.assert_array_equal(found.values, expected)


def test_a_weight_in_the_weights_file_is_named_with_that_file(directory: Path) -> None:
    file = save(directory, external("fine", 12), external("broken", 8, offset=8))
    with pytest.raises(
        BundleError, match=r"weights\.bin: tensor 'broken' of graph\.onnx holds nan as number 1,"
    ):
        check_finite(directory, [file], WEIGHTS)


def test_bytes_between_the_tensors_are_not_looked_at(directory: Path) -> None:
    check_finite(directory, [save(directory, external("fine", 12))], WEIGHTS)


def test_the_last_of_several_graphs_is_looked_at_too(directory: Path) -> None:
    shared = save(directory, external("fine", 12))
    last = save(directory, external("fine", 12), external("last", 4, offset=12), name="last.onnx")
    with pytest.raises(BundleError, match=r"tensor 'last' of last\.onnx holds nan"):
        check_finite(directory, [shared, last], WEIGHTS)


def test_the_minus_infinity_of_a_mask_is_no_weight(directory: Path) -> None:
    mask = helper.make_tensor("mask", TensorProto.FLOAT, [], [-INF])
    check_finite(directory, [save(directory, mask)], WEIGHTS)


@pytest.mark.parametrize("number", [NAN, INF])
def test_any_other_number_without_an_axis_that_is_none_is_refused(
    directory: Path, number: float
) -> None:
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [], [number])
    with pytest.raises(BundleError, match="tensor 'scale'"):
        check_finite(directory, [save(directory, scale)], WEIGHTS)


@pytest.mark.parametrize(
    ("tensor", "problem"),
    [
        (external("far", 4, offset=16), "'far' lies in bytes 16 to 20 of weights.bin"),
        (external("long", 20), "'long' lies in bytes 0 to 20 of weights.bin, which has 16"),
        (external("before", 4, offset=-4), "'before' lies in bytes -4 to 0 of weights.bin"),
        (external("odd", 3), "'odd' cannot be read: buffer size must be a multiple"),
        (external("outside", 4, file="../weights.bin"), r"lies in '../weights.bin', 'weights.bin'"),
        (external("worded", "some"), "cannot be read as ONNX: invalid literal"),
    ],
)  # fmt: skip
def test_a_tensor_that_does_not_lie_in_the_weights_file_is_named(
    directory: Path, tensor: TensorProto, problem: str
) -> None:
    with pytest.raises(BundleError, match=problem):
        check_finite(directory, [save(directory, tensor)], WEIGHTS)


@given(content=st.binary(min_size=1, max_size=64))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        list(float_tensors(memoryview(content)))
    except (ValueError, KeyError, OverflowError):
        return


def test_a_cut_graph_is_named(directory: Path) -> None:
    file = save(directory, raw(TensorProto.FLOAT, [1.0]))
    content = (directory / file).read_bytes()
    (directory / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match=r"graph\.onnx: cannot be read as ONNX: field \d+ of"):
        check_finite(directory, [file], WEIGHTS)


def test_a_graph_without_weights_needs_no_weights(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).touch()
    check_finite(tmp_path, [save(tmp_path)], WEIGHTS)


def test_every_float_of_the_embedded_bundle_is_found() -> None:
    path = Path("models/default/bundle-cpu-int8/decoder_tokens.onnx")
    model = onnx.load(str(path), load_external_data=False)
    expected = [each.name for each in model.graph.initializer if each.data_type in _FLOATS]
    assert [each.name for each in float_tensors(memoryview(path.read_bytes()))] == expected

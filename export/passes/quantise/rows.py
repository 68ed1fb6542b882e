"""The encoder in eight bits: int8 weights, uint8 activations with a scale for each row.

A token is quantised by its own largest value. Stock dynamic quantisation takes one scale for the
whole batch, so that a neighbour's largest value changes everybody's result; here a row's result
never depends on its company. What comes out of GELU is never below -0.17, so its rows use all
255 steps for what is above.

docs/adr/0004-int8.md has the measurements behind this.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from export.passes.rewriting import Weights, fold_transposes, replace_nodes, use_microsoft_operators

Nodes = Iterator[onnx.NodeProto]

_LARGEST = 127
# Just above 0.16998, the depth of GELU's minimum: x + this is never below zero. (By its tanh
# approximation it may be by 0.00005, which rounds to zero.)
_GELU_SHIFT = 0.17
# Keeps a row of nothing but zeros from being divided by zero.
SMALLEST_MAGNITUDE = 1e-9


@dataclass(frozen=True)
class Bytes:
    """How ratios become bytes."""

    name: str
    num_steps: int
    zero_point: int

    def constants(self, weights: Weights) -> tuple[str, str]:
        """Names of the step and of the zero point."""
        step = np.array(1 / self.num_steps, np.float32)
        zero_point = np.array(self.zero_point, np.uint8)
        return (
            weights.add(f"rows.{self.name}.step", step),
            weights.add(f"rows.{self.name}.zero_point", zero_point),
        )


# Ratios of -1 to 1, centred on 128, and ratios of 0 to 1 over the whole range.
CENTRED = Bytes("centred", num_steps=127, zero_point=128)
SHIFTED = Bytes("shifted", num_steps=255, zero_point=0)


def quantise_rows(graph_model: onnx.ModelProto) -> None:
    """Rewrites every product of activations with a constant matrix."""
    graph = graph_model.graph
    fold_transposes(graph)
    weights = Weights(graph)
    activated = {node.output[0] for node in graph.node if node.op_type == "Gelu"}
    quantised_sources: set[str] = set()
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "MatMul" or not weights.is_worth_quantising(node.input[1]):
            nodes.append(node)
            continue
        source = node.input[0]
        is_shifted = source in activated
        # Query, key and value read the same activations: they are quantised once.
        if source not in quantised_sources:
            quantised_sources.add(source)
            nodes.extend((_shifted_rows if is_shifted else centred_rows)(source, weights))
        nodes.extend(_project(node, weights, is_shifted=is_shifted))
    replace_nodes(graph, nodes)
    weights.drop_unused()
    use_microsoft_operators(graph_model)


def quantise_symmetric(
    matrix: NDArray[np.float32],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The nearest int8 matrix with each column's largest magnitude at 127, and their scales."""
    largest = np.abs(matrix).max(axis=0)
    scales = np.maximum(largest / _LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales


def centred_rows(source: str, weights: Weights) -> Nodes:
    """x -> uint8 round(127 x / m) + 128, m the largest magnitude of each row."""
    yield from row_ratios(source, source, weights)
    (ratio,) = _names(source, "ratio")
    yield _to_bytes(source, ratio, CENTRED, weights)


def row_ratios(source: str, named: str, weights: Weights) -> Nodes:
    """x -> NAMED.ratio = x / m, NAMED.magnitude = m = max |x| = max(max x, -min x) over each row.

    No pass writes |x|, and one reciprocal a row stands for a division at every element.
    """
    largest, least, minus_least, inverse, ratio = _names(
        named, "max", "min", "minus_min", "inverse", "ratio"
    )
    smallest = weights.add("rows.smallest", np.array(SMALLEST_MAGNITUDE, np.float32))
    magnitude, _ = row_names(named)
    yield helper.make_node("ReduceMax", [source, last_axis(weights)], [largest], keepdims=1)
    yield helper.make_node("ReduceMin", [source, last_axis(weights)], [least], keepdims=1)
    yield helper.make_node("Neg", [least], [minus_least])
    yield helper.make_node("Max", [largest, minus_least, smallest], [magnitude])
    yield helper.make_node("Reciprocal", [magnitude], [inverse])
    yield helper.make_node("Mul", [source, inverse], [ratio])


def _shifted_rows(source: str, weights: Weights) -> Nodes:
    """x -> uint8 round(255 (x + c) / m), c = -min GELU and m = max (x + c) over each row."""
    shifted, ratio = _names(source, "shifted", "ratio")
    shift = weights.add("rows.shift", np.array(_GELU_SHIFT, np.float32))
    magnitude, _ = row_names(source)
    yield helper.make_node("Add", [source, shift], [shifted])
    yield helper.make_node("ReduceMax", [shifted, last_axis(weights)], [magnitude], keepdims=1)
    yield helper.make_node("Div", [shifted, magnitude], [ratio])
    yield _to_bytes(source, ratio, SHIFTED, weights)


def _to_bytes(source: str, ratio: str, kind: Bytes, weights: Weights) -> onnx.NodeProto:
    _, quantised = row_names(source)
    return helper.make_node("QuantizeLinear", [ratio, *kind.constants(weights)], [quantised])


def _project(node: onnx.NodeProto, weights: Weights, *, is_shifted: bool) -> Nodes:
    """y = (integer product) * (step) * (scale of the column) * (magnitude of the row).

    The fused kernel applies all but the last; it takes one scale for all activations, so the
    rows' own come after. A shift c of all activations adds c times the sum of a column, which is
    taken off again.
    """
    source, matrix = node.input
    (target,) = node.output
    integers, scales = quantise_symmetric(weights.get(matrix).astype(np.float32))
    magnitude, quantised = row_names(source)
    step, zero_point = (SHIFTED if is_shifted else CENTRED).constants(weights)
    unscaled, shifted = _names(target, "unscaled", "shifted")
    yield helper.make_node(
        "MatMulIntegerToFloat",
        [
            quantised,
            weights.add(f"{matrix}.int8", integers),
            step,
            weights.add(f"{matrix}.scales", scales),
            zero_point,
        ],
        [unscaled],
        domain="com.microsoft",
    )
    if not is_shifted:
        yield helper.make_node("Mul", [unscaled, magnitude], [target])
        return
    surplus = _GELU_SHIFT * integers.sum(axis=0, dtype=np.int32) * scales
    surplus_name = weights.add(f"{matrix}.surplus", surplus.astype(np.float32))
    yield helper.make_node("Mul", [unscaled, magnitude], [shifted])
    yield helper.make_node("Sub", [shifted, surplus_name], [target])


def _names(of: str, *parts: str) -> list[str]:
    return [f"{of}.{part}" for part in parts]


def row_names(source: str) -> tuple[str, str]:
    """The magnitude of each row, and the rows as bytes."""
    return f"{source}.magnitude", f"{source}.uint8"


def last_axis(weights: Weights) -> str:
    """The name of the axes that a reduction over rows takes."""
    return weights.add("rows.last_axis", np.array([-1], np.int64))

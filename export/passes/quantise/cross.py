"""The cross-attention's keys and values in eight bits.

    B rows    H heads    q queries    S source    D head width

They are read whole at every step, and of a batch of long documents they are more bytes than the
weights. A token's key and value have a scale each, worked out once by the encoder, so that neither
padding nor company changes them. A step quantises its queries and its attention row by row:

    scores = (q8 k8) * scale of the query * scale of each key / sqrt(D) + source bias
    out    = (p8 v8) * scale of p,      p = softmax(scores) * scale of each value

Keys and values use the steps from -63 to 63 only: products with more could overflow where a
processor has no VNNI (bundle/arithmetic.py).

docs/adr/0008-int8-cross-attention.md has the measurements behind this.
"""

import math
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper

from bundle.arithmetic import LARGEST_SIGNED
from bundle.manifest import Geometry, TensorSpec
from bundle.signature import cross_tensors, source_tensors
from export.passes.quantise.rows import (
    CENTRED,
    SHIFTED,
    SMALLEST_MAGNITUDE,
    centred_rows,
    last_axis,
    row_names,
    row_ratios,
)
from export.passes.rewriting import Weights, replace_nodes

Nodes = Iterator[onnx.NodeProto]

_BIAS = "source_bias"
_BIAS_OF_SCORES = "source_bias.of_scores"
_LENGTHS = "source_lengths"
_ELEMENT_TYPES = {"int8": TensorProto.INT8, "float32": TensorProto.FLOAT}


def quantise_encoder_cross(graph_model: onnx.ModelProto, geometry: Geometry) -> None:
    """Lets the encoder give its keys and values as bytes; `geometry` is that of the bundle."""
    graph = graph_model.graph
    weights = Weights(graph)
    floats = {output.name for output in graph.output} & {
        tensor.name for tensor in cross_tensors(geometry) if tensor.dtype == "int8"
    }
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for index, name in enumerate(node.output):
            if name in floats:
                node.output[index] = f"{name}.float"
        nodes.append(node)
        nodes.extend(
            made
            for name in node.output
            if name.removesuffix(".float") in floats
            for made in _to_int8(name.removesuffix(".float"), weights)
        )
    replace_nodes(graph, nodes)
    others = [output for output in graph.output if output.name not in floats]
    del graph.output[:]
    graph.output.extend([*map(_value_info, cross_tensors(geometry)), *others])


def quantise_decoder_cross(graph_model: onnx.ModelProto, geometry: Geometry) -> None:
    """Lets a decoder read them as bytes."""
    graph = graph_model.graph
    weights = Weights(graph)
    names = {tensor.name for tensor in cross_tensors(geometry)}
    nodes = [
        helper.make_node(
            "Unsqueeze",
            [_BIAS, weights.add("cross.bias_axes", np.array([1, 2], np.int64))],
            [_BIAS_OF_SCORES],
        )
    ]
    for node in graph.node:
        if node.op_type == "Attention" and node.input[1] in names:
            nodes.extend(_attention(node, geometry, weights))
        else:
            nodes.append(node)
    replace_nodes(graph, nodes)
    wanted = {
        tensor.name: tensor for tensor in (*source_tensors(geometry), *cross_tensors(geometry))
    }
    kept = [value for value in graph.input if value.name not in {*wanted, _LENGTHS}]
    del graph.input[:]
    graph.input.extend([*kept, *map(_value_info, wanted.values())])


def _to_int8(name: str, weights: Weights) -> Nodes:
    """x [B,H,S,D] -> int8 round(63 x / m) and m / 63, m the largest magnitude of each token."""
    lying, ratio, magnitude, scale = (
        f"{name}.{part}" for part in ("by_token", "ratio", "magnitude", "scale_by_token")
    )
    step = weights.add("cross.step", np.array(1 / LARGEST_SIGNED, np.float32))
    zero = weights.add("cross.zero", np.array(0, np.int8))
    is_key = name.startswith("cross_key")
    yield from row_ratios(f"{name}.float", name, weights)
    yield helper.make_node("QuantizeLinear", [ratio, step, zero], [lying if is_key else name])
    if is_key:
        yield helper.make_node("Transpose", [lying], [name], perm=[0, 1, 3, 2])
    yield helper.make_node("Mul", [magnitude, step], [scale])
    yield helper.make_node("Transpose", [scale], [f"{name}_scale"], perm=[0, 1, 3, 2])


def _attention(node: onnx.NodeProto, geometry: Geometry, weights: Weights) -> Nodes:
    """One node of Attention, by its formula."""
    query, key, value = node.input[:3]
    (target,) = [name for name in node.output if name]
    attributes = {
        attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute
    }
    scale = attributes.get("scale", 1 / math.sqrt(geometry.head_dim))
    step, zero_point = CENTRED.constants(weights)
    magnitude, quantised = row_names(query)
    yield from centred_rows(query, weights)

    def named(part: str) -> str:
        return f"{target}.{part}"

    factor = weights.add("cross.query_factor", np.array(scale / CENTRED.num_steps, np.float32))
    yield helper.make_node("Mul", [magnitude, factor], [named("query_scale")])
    yield from _product(quantised, key, zero_point, named("counts"), named("products"))
    yield helper.make_node("Mul", [named("products"), f"{key}_scale"], [named("by_key")])
    yield helper.make_node("Mul", [named("by_key"), named("query_scale")], [named("unbiased")])
    yield helper.make_node("Add", [named("unbiased"), _BIAS_OF_SCORES], [named("scores")])
    yield helper.make_node("Softmax", [named("scores")], [named("weights")], axis=-1)

    step, zero_point = SHIFTED.constants(weights)
    smallest = weights.add("rows.smallest", np.array(SMALLEST_MAGNITUDE, np.float32))
    yield helper.make_node("Mul", [named("weights"), f"{value}_scale"], [named("scaled")])
    yield helper.make_node(
        "ReduceMax", [named("scaled"), last_axis(weights)], [named("largest")], keepdims=1
    )
    yield helper.make_node("Max", [named("largest"), smallest], [named("magnitude")])
    yield helper.make_node("Div", [named("scaled"), named("magnitude")], [named("ratio")])
    yield helper.make_node("QuantizeLinear", [named("ratio"), step, zero_point], [named("uint8")])
    yield from _product(named("uint8"), value, zero_point, named("sums"), named("mixed"))
    yield helper.make_node("Mul", [named("magnitude"), step], [named("factor")])
    yield helper.make_node("Mul", [named("mixed"), named("factor")], [target])


def _product(left: str, right: str, zero_point: str, integers: str, floats: str) -> Nodes:
    yield helper.make_node("MatMulInteger", [left, right, zero_point], [integers])
    yield helper.make_node("Cast", [integers], [floats], to=TensorProto.FLOAT)


def _value_info(tensor: TensorSpec) -> onnx.ValueInfoProto:
    shape = [int(axis) if axis.isdigit() else axis for axis in tensor.shape]
    element_type = _ELEMENT_TYPES.get(tensor.dtype, TensorProto.INT64)
    return helper.make_tensor_value_info(tensor.name, element_type, shape)

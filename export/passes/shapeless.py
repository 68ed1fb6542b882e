"""Rewrites a decoder of several tokens so that no node asks for a shape.

A Shape node runs on the host, which a captured CUDA graph cannot ask. What the exporter wants a
shape for, the operators can do without: Reshape keeps an axis where it is told 0, the source ids
are repeated by adding zeros to them, and the tokens of a row are counted by adding up ones.
"""

import numpy as np
import onnx
from onnx import helper

from export.passes.rewriting import Weights, leading_to, replace_nodes

_KEPT = 0
_FED = "token_ids"  # [B,q]


class ShapeError(RuntimeError):
    """A graph asks for a shape in a way that is not known here."""


def drop_shapes(decoder: onnx.ModelProto) -> None:
    """Rewrites every node that reads a shape; raises `ShapeError` where it cannot."""
    graph = decoder.graph
    rewriting = _Rewriting(graph)
    nodes = [*rewriting.ones_and_counts(), *map(rewriting.rewrite, graph.node)]
    replace_nodes(graph, leading_to([value.name for value in graph.output], nodes))
    rewriting.weights.drop_unused()
    if left := {node.op_type for node in graph.node} & {"Shape", "Size", "Range", "Expand"}:
        raise ShapeError(f"{', '.join(sorted(left))} still asks for a shape")


class _Rewriting:
    """What the nodes of one graph become."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.weights = Weights(graph)
        self._axes = {
            value.name: [
                axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim
            ]
            for value in (*graph.input, *graph.value_info, *graph.output)
        }
        self._maker = {name: node for node in graph.node for name in node.output}

    def ones_and_counts(self) -> list[onnx.NodeProto]:
        """Zeros [B,q,1], and the number of tokens [B]."""
        zero = self.weights.add("shapeless.zero", np.array(0, np.int64))
        one = self.weights.add("shapeless.one", np.array(1, np.int64))
        last = self.weights.add("shapeless.last", np.array([-1], np.int64))
        make = helper.make_node
        return [
            make("Mul", [_FED, zero], ["shapeless.zeros"]),
            make("Unsqueeze", ["shapeless.zeros", last], ["shapeless.column"]),
            make("Add", ["shapeless.zeros", one], ["shapeless.ones"]),
            make("ReduceSum", ["shapeless.ones", last], ["shapeless.count"], keepdims=0),
        ]

    def rewrite(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """The node, or the one that does the same without a shape."""
        if node.op_type == "Reshape":
            return self._reshape(node)
        if node.op_type == "Expand":
            return self._repeat(node)
        return self._add_count(node) if node.op_type == "Add" else node

    def _reshape(self, node: onnx.NodeProto) -> onnx.NodeProto:
        if node.input[1] not in self._maker:  # a constant
            return node
        source, target = self._axes[node.input[0]], self._axes[node.output[0]]
        shape = [
            axis if isinstance(axis, int) else _KEPT
            for index, axis in enumerate(target)
            if isinstance(axis, int) or source[index : index + 1] == [axis]
        ]
        if len(shape) != len(target):
            raise ShapeError(f"{node.input[0]}{source} cannot be reshaped to {target}")
        name = self.weights.add(f"shapeless.{shape}", np.array(shape, np.int64))
        return helper.make_node("Reshape", [node.input[0], name], [*node.output], name=node.name)

    def _repeat(self, node: onnx.NodeProto) -> onnx.NodeProto:
        source, target = self._axes[node.input[0]], self._axes[node.output[0]]
        tokens = self._axes[_FED][1]
        if target != [source[0], tokens, source[2]] or source[1] != 1:
            raise ShapeError(f"{node.input[0]}{source} cannot be repeated to {target}")
        inputs = [node.input[0], "shapeless.column"]
        return helper.make_node("Add", inputs, [*node.output], name=node.name)

    def _add_count(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """position [B] + q."""
        for index, name in enumerate(node.input):
            squeeze = self._maker.get(name)
            if squeeze is not None and squeeze.op_type == "Squeeze":
                shape = self._maker.get(squeeze.input[0])
                if shape is not None and shape.op_type == "Shape":
                    node.input[index] = "shapeless.count"
        return node

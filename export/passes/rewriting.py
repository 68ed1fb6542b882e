"""A graph while it is being rewritten: its weights by name, and its nodes."""

from collections.abc import Collection, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_FEWEST_OUTPUTS = 16


class Weights:
    """The initialisers of one graph as a dictionary that keeps the graph in step."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._by_name = {tensor.name: tensor for tensor in graph.initializer}

    def is_matrix(self, name: str) -> bool:
        """Whether this is a constant with two axes."""
        return name in self._by_name and len(self._by_name[name].dims) == 2

    def is_worth_quantising(self, name: str) -> bool:
        """Whether this is a matrix of some size: the copy gate, with one output, costs nothing."""
        return self.is_matrix(name) and self._by_name[name].dims[1] >= _FEWEST_OUTPUTS

    def get(self, name: str) -> NDArray[np.generic]:
        """The values."""
        return numpy_helper.to_array(self._by_name[name])

    def add(self, name: str, values: NDArray[np.generic]) -> str:
        """Adds an initialiser once; the same name again must mean the same values."""
        if name not in self._by_name:
            self._graph.initializer.append(numpy_helper.from_array(values, name))
            self._by_name[name] = self._graph.initializer[-1]
        return name

    def drop_unused(self) -> None:
        """Forgets every initialiser that no node reads any more."""
        used = {name for node in self._graph.node for name in node.input}
        kept = [tensor for tensor in self._graph.initializer if tensor.name in used]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)
        self._by_name = {tensor.name: tensor for tensor in self._graph.initializer}


def fold_transposes(graph: onnx.GraphProto) -> None:
    """Writes constant matrices as they are used.

    The tied output projection comes from the exporter as MatMul(hidden, Transpose(embedding)):
    tools that look for a constant operand pass over it, the largest matrix of all, without a word.
    """
    weights = Weights(graph)
    nodes = []
    for node in graph.node:
        if node.op_type == "Transpose" and weights.is_matrix(node.input[0]):
            weights.add(node.output[0], np.ascontiguousarray(weights.get(node.input[0]).T))
        else:
            nodes.append(node)
    replace_nodes(graph, nodes)
    weights.drop_unused()


def replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Puts other nodes in a graph and forgets the shapes of values that are gone."""
    made = {name for node in nodes for name in node.output}
    kept = [info for info in graph.value_info if info.name in made]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    graph.value_info.extend(kept)


def leading_to(
    outputs: Collection[str], nodes: Sequence[onnx.NodeProto], given: Collection[str] = ()
) -> list[onnx.NodeProto]:
    """The nodes that it takes to make some values where others are given, in their order."""
    wanted = {*outputs} - {*given}
    needed = []
    for node in reversed(nodes):
        if wanted.isdisjoint(node.output):
            continue
        needed.append(node)
        wanted.update(name for name in node.input if name not in given)
    return needed[::-1]


def use_microsoft_operators(graph_model: onnx.ModelProto) -> None:
    """Declares the domain of onnxruntime's own operators."""
    if all(opset.domain != "com.microsoft" for opset in graph_model.opset_import):
        graph_model.opset_import.append(helper.make_opsetid("com.microsoft", 1))

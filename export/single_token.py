"""Leaves out of a step of one token what only several need.

[B,1,H,D] and [B,H,1,D] lie alike in memory: splitting the heads of a single token, or joining them,
takes a Reshape and no Transpose. A node that does nothing still costs some microseconds, and a step
of a small model has no more than a thousand.
"""

import numpy as np
import onnx

from bundle.manifest import Geometry
from export.weights import Weights, replace_nodes

_SWAP_HEADS_AND_TOKENS = [0, 2, 1, 3]


def drop_transposes(decoder_step: onnx.ModelProto, geometry: Geometry) -> None:
    """Splits and joins the heads by reshaping alone."""
    graph = decoder_step.graph
    weights = Weights(graph)
    split_shape = np.array([-1, geometry.heads, 1, geometry.head_dim], np.int64)
    split = weights.add("single.split", split_shape)
    maker = {name: node for node in graph.node for name in node.output}
    joined: dict[str, str] = {}
    idle: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Transpose" or [*node.attribute[0].ints] != _SWAP_HEADS_AND_TOKENS:
            continue
        source = maker[node.input[0]]
        if source.op_type == "Reshape":  # it gives at once what the Transpose would have given
            source.input[1], source.output[0] = split, node.output[0]
        else:
            joined[node.output[0]] = node.input[0]
        idle.append(node)
    nodes = [node for node in graph.node if node not in idle]
    for node in nodes:
        for index, name in enumerate(node.input):
            node.input[index] = joined.get(name, name)
    replace_nodes(graph, nodes)
    weights.drop_unused()

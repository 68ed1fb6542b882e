"""Leaves out of a step of one token what only several need.

[B,1,H,D] and [B,H,1,D] lie alike in memory: splitting the heads of a single token, or joining them,
takes a Reshape and no Transpose. A node that does nothing still costs some microseconds, and a step
of a small model has no more than a thousand.
"""

import numpy as np
import onnx

from bundle.manifest import Geometry
from export.passes.nodes import swaps_heads_and_tokens
from export.passes.weights import Weights, replace_nodes


def drop_transposes(decoder_step: onnx.ModelProto, geometry: Geometry) -> None:
    """Splits and joins the heads by reshaping alone."""
    graph = decoder_step.graph
    weights = Weights(graph)
    split_shape = np.array([-1, geometry.heads, 1, geometry.head_dim], np.int64)
    split = weights.add("single.split", split_shape)
    maker = {name: node for node in graph.node for name in node.output}
    joined: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        if not swaps_heads_and_tokens(node):
            nodes.append(node)
            continue
        source = maker[node.input[0]]
        if source.op_type == "Reshape":  # it gives at once what the Transpose would have given
            source.input[1], source.output[0] = split, node.output[0]
        else:
            joined[node.output[0]] = node.input[0]
    for node in nodes:
        for index, name in enumerate(node.input):
            node.input[index] = joined.get(name, name)
    replace_nodes(graph, nodes)
    weights.drop_unused()

"""Makes a step of one token round like a step of several.

onnxruntime's CPU attention multiplies one query by other kernels than several, which differ in the
last bit. In float32 that is the end of it. In int8 it is not: a last bit may carry an activation
over to the next of 255 steps, and a summary could depend on how many tokens a step happened to
check. So the one query is put beside itself, and one of the two results is taken.

docs/adr/0009-copy-speculation.md has the measurements behind this.
"""

import numpy as np
import onnx
from onnx import helper

from bundle.manifest import Geometry
from bundle.signature import updated_cache_names
from export.weights import Weights, replace_nodes

_QUERY_AXIS = 2
# The inputs of Attention that have one: the queries [B,H,q,D] and, with relative positions, their
# biases [1,H,q,L].
_OF_QUERIES = ((0, "twins"), (3, "twin_biases"))


def round_evenly(decoder_step: onnx.ModelProto, geometry: Geometry) -> None:
    """Rewrites every self-attention of decoder_step: all see the same keys, so the last one's
    result is that of the query alone, causal or not.
    """
    graph = decoder_step.graph
    weights = Weights(graph)
    axis = weights.add("even.axis", np.array([_QUERY_AXIS], np.int64))
    last = weights.add("even.last", np.array([1], np.int64))
    end = weights.add("even.end", np.array([2], np.int64))
    caches = {*updated_cache_names(geometry)}
    nodes = []
    for node in graph.node:
        if node.op_type != "Attention" or node.input[1] not in caches:
            nodes.append(node)
            continue
        target = node.output[0]
        for index, part in _OF_QUERIES:
            name = node.input[index] if index < len(node.input) else ""
            if name:
                node.input[index] = f"{target}.{part}"
                twice = [node.input[index]]
                nodes.append(helper.make_node("Concat", [name, name], twice, axis=_QUERY_AXIS))
        node.output[0] = f"{target}.both"
        nodes += [
            node,
            helper.make_node("Slice", [f"{target}.both", last, end, axis], [target]),
        ]
    replace_nodes(graph, nodes)

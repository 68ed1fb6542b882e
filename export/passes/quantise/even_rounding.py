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
from export.passes.rewriting import Weights, replace_nodes

# Places among the inputs of Attention, and the axis that counts queries in both.
_QUERY, _MASK = 0, 3
_QUERY_AXIS = 2


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
        # The query and, with relative positions, what is added to its scores [B,H,1,L].
        for index in (_QUERY, _MASK):
            if name := node.input[index]:
                node.input[index] = f"{target}.twins_{index}"
                nodes.append(
                    helper.make_node("Concat", [name] * 2, [node.input[index]], axis=_QUERY_AXIS)
                )
        node.output[0] = f"{target}.both"
        nodes.append(node)
        nodes.append(helper.make_node("Slice", [node.output[0], last, end, axis], [target]))
    replace_nodes(graph, nodes)

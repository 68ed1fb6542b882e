"""Splits the heads of an attention, and joins them again, with fewer nodes.

The exporter reshapes and transposes before and after every attention, which neither the encoder nor
a step of one token needs.
"""

import numpy as np
import onnx
from onnx import helper

from bundle.manifest import Geometry
from export.passes.rewriting import Weights, leading_to, replace_nodes

_SWAP_HEADS_AND_TOKENS = [0, 2, 1, 3]


def flatten_attention(encoder: onnx.ModelProto, heads: int) -> None:
    """Lets every attention whose heads are split and joined just for it read tokens as they lie.

    The operator splits [B,S,H*D] itself when it is told the number of heads, and on the CPU it is
    the quicker at it: 4.3 ms instead of 4.9 for 16 heads of 64 and 400 tokens, 0.76 instead of 0.94
    for 8 and 236.
    """
    graph = encoder.graph
    maker = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for node in graph.node:
        if node.op_type != "Attention":
            continue
        sources = [_unsplit(name, maker) for name in node.input[:3]]
        joined = _joined(node.output[0], readers)
        if joined is None or not all(sources):
            continue
        for index, source in enumerate(sources):
            node.input[index] = source
        node.attribute.extend(
            helper.make_attribute(f"{kind}_num_heads", heads) for kind in ("q", "kv")
        )
        last = maker[joined]
        del last.output[:]
        node.output[0] = joined
    replace_nodes(graph, leading_to([value.name for value in graph.output], graph.node))


def drop_transposes(decoder_step: onnx.ModelProto, geometry: Geometry) -> None:
    """Splits and joins the heads of a single token by reshaping alone.

    [B,1,H,D] and [B,H,1,D] lie alike in memory. A node that does nothing still costs some
    microseconds, and a step of a small model has no more than a thousand.
    """
    graph = decoder_step.graph
    weights = Weights(graph)
    split_shape = np.array([-1, geometry.heads, 1, geometry.head_dim], np.int64)
    split = weights.add("single.split", split_shape)
    maker = {name: node for node in graph.node for name in node.output}
    joined: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        if not _swaps_heads_and_tokens(node):
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


def _swaps_heads_and_tokens(node: onnx.NodeProto) -> bool:
    """Whether it turns [B,S,H,D] into [B,H,S,D], or back."""
    return node.op_type == "Transpose" and [*node.attribute[0].ints] == _SWAP_HEADS_AND_TOKENS


def _unsplit(name: str, maker: dict[str, onnx.NodeProto]) -> str:
    """What was there before Reshape and Transpose split its heads; "" if they did not."""
    transpose = maker.get(name)
    if transpose is None or not _swaps_heads_and_tokens(transpose):
        return ""
    reshape = maker.get(transpose.input[0])
    return reshape.input[0] if reshape is not None and reshape.op_type == "Reshape" else ""


def _joined(name: str, readers: dict[str, list[onnx.NodeProto]]) -> str | None:
    """The tensor that Transpose and Reshape make of it, if nobody else reads what lies between."""
    for is_expected in (_swaps_heads_and_tokens, lambda node: node.op_type == "Reshape"):
        following = readers.get(name, [])
        if len(following) != 1 or not is_expected(following[0]):
            return None
        name = following[0].output[0]
    return name

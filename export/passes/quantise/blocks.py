"""The decoder in eight bits: a scale for each block of 64 weights of an output.

`MatMulNBits` quantises the activations itself, row by row and block by block, so a row's result
does not depend on its company. The token embedding, where it is the same matrix as the output
projection, is read from the very bytes of it.

docs/adr/0004-int8.md has the measurements behind this.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from export.passes.rewriting import Weights, fold_transposes, replace_nodes, use_microsoft_operators

BLOCK = 64
_LARGEST = 127
# The zero of both operators' unsigned bytes.
_ZERO = 128
# int8 activations inside the kernel; a lower level computes in float32 and is slower.
_ACCURACY_LEVEL = 4
_TOKEN_IDS = ("token_ids", "source_ids")


def quantise_blocks(graph_model: onnx.ModelProto) -> None:
    """Rewrites every product of activations with a constant matrix."""
    graph = graph_model.graph
    fold_transposes(graph)
    weights = Weights(graph)
    nodes = []
    for node in graph.node:
        if node.op_type == "MatMul" and weights.is_worth_quantising(node.input[1]):
            by_output = np.ascontiguousarray(weights.get(node.input[1]).T)
            nodes.append(_project(node, node.input[1], by_output, weights))
        else:
            nodes.append(node)
    replace_nodes(graph, nodes)
    weights.drop_unused()
    use_microsoft_operators(graph_model)


def quantise_embedding(graph_model: onnx.ModelProto) -> None:
    """Reads the token embedding from bytes: those of the output projection, if it is tied.

    A row that is not whole blocks stays in float32: `GatherBlockQuantized` would give its padding
    out as part of it.
    """
    graph = graph_model.graph
    weights = Weights(graph)
    nodes = [_embed(node, weights) if _is_embedding(node, weights) else node for node in graph.node]
    replace_nodes(graph, nodes)
    weights.drop_unused()
    use_microsoft_operators(graph_model)


def to_blocks(by_output: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantises [N,K] along K: bytes [N,K/BLOCK,BLOCK] and scales [N,K/BLOCK]."""
    num_outputs, width = by_output.shape
    padded = np.pad(by_output, ((0, 0), (0, -width % BLOCK)))
    blocks = padded.reshape(num_outputs, -1, BLOCK)
    largest = np.abs(blocks).max(axis=2, keepdims=True)
    scales = np.maximum(largest / _LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
    return (np.rint(blocks / scales) + _ZERO).astype(np.uint8), scales[:, :, 0]


def _is_embedding(node: onnx.NodeProto, weights: Weights) -> bool:
    """Whether a matrix is read by token ids, unlike a table of positions."""
    return (
        node.op_type == "Gather"
        and node.input[1] in _TOKEN_IDS
        and weights.is_matrix(node.input[0])
        and weights.get(node.input[0]).shape[1] % BLOCK == 0
    )


def _project(
    node: onnx.NodeProto, name: str, by_output: NDArray[np.generic], weights: Weights
) -> onnx.NodeProto:
    num_outputs, width = by_output.shape
    blocks, scales = to_blocks(by_output.astype(np.float32))
    return helper.make_node(
        "MatMulNBits",
        [
            node.input[0],
            weights.add(f"{name}.blocks", blocks),
            weights.add(f"{name}.scales", scales),
        ],
        list(node.output),
        domain="com.microsoft",
        K=width,
        N=num_outputs,
        bits=8,
        block_size=BLOCK,
        accuracy_level=_ACCURACY_LEVEL,
    )


def _embed(node: onnx.NodeProto, weights: Weights) -> onnx.NodeProto:
    table, ids = node.input
    blocks, scales = to_blocks(weights.get(table).astype(np.float32))
    return helper.make_node(
        "GatherBlockQuantized",
        [
            # The same bytes as the projection's blocks, so the store keeps them once.
            weights.add(f"{table}.rows", blocks.reshape(len(blocks), -1)),
            ids,
            weights.add(f"{table}.scales", scales),
        ],
        list(node.output),
        domain="com.microsoft",
        bits=8,
        block_size=BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )

"""What the rewriting of one graph after another asks of its nodes."""

from collections.abc import Collection, Sequence

import onnx

_SWAP_HEADS_AND_TOKENS = [0, 2, 1, 3]


def swaps_heads_and_tokens(node: onnx.NodeProto) -> bool:
    """Whether it turns [B,S,H,D] into [B,H,S,D], or back."""
    return node.op_type == "Transpose" and [*node.attribute[0].ints] == _SWAP_HEADS_AND_TOKENS


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

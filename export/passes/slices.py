"""The encoder cut into slices, a layer each, so that a server may decode between two of them."""

import onnx
from onnx import helper

from bundle.manifest import Geometry, GraphSpec
from bundle.signature import cut_names, encoder_slice_signatures, shared_between_slices
from export.passes.rewriting import leading_to

_SOURCE_IDS = "source_ids"


def cut_encoder(encoder: onnx.ModelProto, geometry: Geometry) -> dict[str, onnx.ModelProto]:
    """The slices by name. `encoder` gives what passes between them as outputs too."""
    return {
        name: _slice(encoder, signature)
        for name, signature in encoder_slice_signatures(geometry).items()
    }


def drop_cuts(encoder: onnx.ModelProto, geometry: Geometry) -> None:
    """Makes the encoder give nothing but what its signature says."""
    cuts = {*cut_names(geometry), *shared_between_slices(geometry)}
    kept = [output for output in encoder.graph.output if output.name not in cuts]
    del encoder.graph.output[:]
    encoder.graph.output.extend(kept)


def _slice(encoder: onnx.ModelProto, signature: GraphSpec) -> onnx.ModelProto:
    graph = encoder.graph
    inputs = [tensor.name for tensor in signature.inputs]
    outputs = [tensor.name for tensor in signature.outputs]
    nodes = leading_to(outputs, _sized_by(graph, inputs[0]), given=inputs)
    read = {name for node in nodes for name in node.input}
    known = {value.name: value for value in (*graph.input, *graph.output)}
    made = {name for node in nodes for name in node.output}
    part = onnx.GraphProto(name=graph.name)
    part.node.extend(nodes)
    part.initializer.extend(tensor for tensor in graph.initializer if tensor.name in read)
    part.input.extend(known[name] for name in inputs)
    part.output.extend(known[name] for name in outputs)
    part.value_info.extend(info for info in graph.value_info if info.name in made - known.keys())
    sliced = onnx.ModelProto()
    sliced.CopyFrom(encoder)
    sliced.graph.CopyFrom(part)
    return sliced


def _sized_by(graph: onnx.GraphProto, name: str) -> list[onnx.NodeProto]:
    """The nodes, asking `name` [B,S,...] for the batch and the source's length.

    The whole encoder asks its source ids [B,S], which later slices do not see.
    """
    nodes = []
    for node in graph.node:
        if node.op_type == "Shape" and node.input[0] == _SOURCE_IDS:
            axes = {"start": 0, "end": 2} | {a.name: a.i for a in node.attribute}
            start, end = axes["start"], axes["end"]
            nodes.append(helper.make_node("Shape", [name], [*node.output], start=start, end=end))
        else:
            nodes.append(node)
    return nodes

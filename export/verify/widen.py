"""A bundle of bfloat16 as the CPU can run it: its rounded weights, in float32 arithmetic.

onnxruntime's operators for the CPU know no bfloat16. The same nodes with float32 in its place show
that the graphs compute what they should; what bfloat16's own arithmetic adds shows on a device.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from bundle.manifest import GraphSpec, Manifest, TensorSpec
from export.package.store import save_graphs

_NAMES: Mapping[int, str] = {
    TensorProto.INT64: "int64",
    TensorProto.BOOL: "bool",
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.BFLOAT16: "bfloat16",
}


def widen_bundle(directory: Path, manifest: Manifest, target: Path) -> Manifest:
    """Writes the graphs and their weights to `target`, and describes them as float32."""
    graphs = {spec.file: onnx.load(str(directory / spec.file)) for spec in manifest.graphs.values()}
    for graph_model in graphs.values():
        widen(graph_model)
    save_graphs(graphs, target)
    return replace(manifest, geometry=replace(manifest.geometry, float_type=None))


def widen(graph_model: onnx.ModelProto) -> None:
    """Puts float32 wherever bfloat16 stands."""
    graph = graph_model.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.BFLOAT16:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.tensor_type.elem_type == TensorProto.BFLOAT16:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.BFLOAT16:
                attribute.i = TensorProto.FLOAT


def signature_of(path: Path) -> GraphSpec:
    """The signature of a graph that no session here can load."""
    graph = onnx.load(str(path), load_external_data=False).graph
    return GraphSpec(
        file=path.name,
        inputs=tuple(map(_spec, graph.input)),
        outputs=tuple(map(_spec, graph.output)),
    )


def _spec(value: onnx.ValueInfoProto) -> TensorSpec:
    tensor = value.type.tensor_type
    shape = tuple(axis.dim_param or str(axis.dim_value) for axis in tensor.shape.dim)
    return TensorSpec(name=value.name, dtype=_NAMES[tensor.elem_type], shape=shape)

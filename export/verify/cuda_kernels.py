"""Which nodes of a graph a CUDA device can run, told without one.

A node without a kernel of its type is run on the host, in the middle of the device's work; a graph
that has one cannot be captured. The table holds the operators that our graphs use, as
onnxruntime-gpu 1.31 registers them: the versions were read out of that library, the types are those
of docs/OperatorKernels.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import TensorProto, defs, shape_inference

_FLOAT: frozenset[int] = frozenset({TensorProto.FLOAT})
_HALF: frozenset[int] = frozenset({TensorProto.FLOAT16})
_INT: frozenset[int] = frozenset({TensorProto.INT64})
_BOOL: frozenset[int] = frozenset({TensorProto.BOOL})
_ANY_FLOAT = _FLOAT | _HALF | {TensorProto.BFLOAT16}
_NUMBERS = _ANY_FLOAT | _INT
_ALL = _NUMBERS | _BOOL


@dataclass(frozen=True)
class _Kernel:
    """The versions of an operator that a kernel was written for, and the types of its data."""

    first: int
    types: frozenset[int]
    # None: of the first alone. onnxruntime does not take it for a later one, which may mean more.
    last: int | None = None
    data: int = 0  # which input the type is that of

    def runs(self, version: int, data_type: int) -> bool:
        is_known = version == self.first or self.first <= version <= (self.last or 0)
        return is_known and data_type in self.types


_KERNELS: Mapping[str, _Kernel] = {
    "Abs": _Kernel(13, _NUMBERS),
    "Add": _Kernel(14, _NUMBERS),
    "ArgMax": _Kernel(13, _FLOAT | _HALF),
    "Attention": _Kernel(24, _ANY_FLOAT),
    "Cast": _Kernel(23, _ALL, last=24),
    "Clip": _Kernel(13, _FLOAT | _HALF | _INT),
    "Concat": _Kernel(13, _ALL),
    "CumSum": _Kernel(14, _FLOAT | _HALF | _INT),
    "Div": _Kernel(14, _NUMBERS),
    "Equal": _Kernel(19, _FLOAT | _HALF | _INT | _BOOL),
    "Erf": _Kernel(13, _ANY_FLOAT),
    "Gather": _Kernel(13, _ALL),
    "GatherElements": _Kernel(13, _ALL),
    "Gelu": _Kernel(20, _ANY_FLOAT),
    "Greater": _Kernel(13, _FLOAT | _HALF | _INT),
    "GreaterOrEqual": _Kernel(16, _FLOAT | _HALF | _INT),
    "LayerNormalization": _Kernel(17, _ANY_FLOAT),
    "Less": _Kernel(13, _FLOAT | _HALF | _INT),
    "LessOrEqual": _Kernel(16, _FLOAT | _HALF | _INT),
    "Log": _Kernel(13, _FLOAT | _HALF),
    "MatMul": _Kernel(13, _ANY_FLOAT),
    "Min": _Kernel(13, _NUMBERS),
    "Mul": _Kernel(14, _NUMBERS),
    "Or": _Kernel(7, _BOOL),
    "Pow": _Kernel(15, _NUMBERS),
    "Range": _Kernel(11, _FLOAT | _INT),
    "Reciprocal": _Kernel(13, _FLOAT | _HALF),
    "ReduceMean": _Kernel(18, _FLOAT | _HALF),
    "ReduceSum": _Kernel(13, _NUMBERS),
    "Relu": _Kernel(14, _ANY_FLOAT),
    "Reshape": _Kernel(23, _ALL, last=24),
    "ScatterElements": _Kernel(18, _ALL),
    "Shape": _Kernel(23, _ALL, last=24),
    "Sigmoid": _Kernel(13, _ANY_FLOAT),
    "Slice": _Kernel(13, _ALL),
    "Softmax": _Kernel(13, _ANY_FLOAT),
    "Sqrt": _Kernel(13, _ANY_FLOAT),
    "Squeeze": _Kernel(24, _ALL),
    "Sub": _Kernel(14, _NUMBERS),
    "Tanh": _Kernel(13, _ANY_FLOAT),
    "TensorScatter": _Kernel(24, _ALL),
    "TopK": _Kernel(24, _NUMBERS),
    "Transpose": _Kernel(23, _ALL, last=24),
    "Unsqueeze": _Kernel(24, _ALL),
    "Where": _Kernel(16, _NUMBERS, data=1),
}


def nodes_without_kernel(graph_model: onnx.ModelProto) -> list[str]:
    """Says of each kind of node that no CUDA kernel runs what it is; empty if all have one."""
    opsets = {opset.domain: opset.version for opset in graph_model.opset_import}
    types = _types(graph_model)
    problems = set()
    for node in graph_model.graph.node:
        kernel = _KERNELS.get(node.op_type) if node.domain == "" else None
        if kernel is None:
            problems.add(f"{node.op_type} is not among the operators known to have a CUDA kernel")
            continue
        version = defs.get_schema(node.op_type, opsets[""], "").since_version
        data_type = types[node.input[kernel.data]]
        if not kernel.runs(version, data_type):
            name = TensorProto.DataType.Name(data_type)
            problems.add(f"{node.op_type} (version {version}) of {name} has no CUDA kernel")
    return sorted(problems)


def _types(graph_model: onnx.ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(graph_model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}

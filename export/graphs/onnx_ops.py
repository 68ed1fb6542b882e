"""How our two attention operations reach ONNX, and the one call of torch.onnx.export.

The exporter sees `precis::attend` and `precis::write_cache` (model/network/attention.py) as single
nodes and puts the opset-24 operators `Attention` and `TensorScatter` in their place.
"""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import onnx
import torch
from onnxscript.values import Opset

import model.network.attention  # noqa: F401 - registers the custom operations named below

OPSET = 24

_ops: Any = Opset("", OPSET)


def _attention(
    query: Any,
    key: Any,
    value: Any,
    lengths: Any,
    causal: bool,
    bias: Any = None,
    scale: float | None = None,
) -> Any:
    # attn_mask = bias, nonpad_kv_seqlen = lengths. Of the schema's four outputs the first is the
    # context.
    attributes = {"is_causal": int(causal)} | ({} if scale is None else {"scale": scale})
    return _ops.Attention(query, key, value, bias, None, None, lengths, **attributes)[0]


def _tensor_scatter(cache: Any, new: Any, position: Any) -> Any:
    return _ops.TensorScatter(cache, new, position, axis=2, mode="linear")


_TRANSLATIONS: dict[Any, Callable[..., Any]] = {
    torch.ops.precis.attend.default: _attention,
    torch.ops.precis.write_cache.default: _tensor_scatter,
}


def to_onnx(
    module: torch.nn.Module,
    arguments: tuple[Any, ...],
    *,
    input_names: list[str],
    output_names: list[str],
    dynamic_shapes: tuple[Any, ...],
) -> onnx.ModelProto:
    """Exports a module, without stack traces and local paths; raises if the opset is wrong."""
    logging.getLogger("torch.onnx._internal.exporter").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            arguments,
            dynamo=True,
            opset_version=OPSET,
            custom_translation_table=_TRANSLATIONS,
            input_names=input_names,
            output_names=output_names,
            dynamic_shapes=dynamic_shapes,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    graph_model: onnx.ModelProto = program.model_proto
    # An opset it cannot convert to is written as another one, with only a log line to tell.
    opsets = [(opset.domain, opset.version) for opset in graph_model.opset_import]
    if opsets != [("", OPSET)]:
        raise RuntimeError(f"exported with opsets {opsets}, expected {OPSET} alone")
    _strip_metadata(graph_model)
    return graph_model


def _strip_metadata(graph_model: onnx.ModelProto) -> None:
    graph = graph_model.graph
    # Any: all of these have the two fields, yet the only class they share is protobuf's Message.
    parts: list[Any] = [*graph.node, *graph.input, *graph.output]
    for part in (graph_model, graph, *graph.value_info, *parts):
        del part.metadata_props[:]
    for part in (*graph.initializer, *parts):
        part.ClearField("doc_string")
    graph_model.producer_version = ""
